"""The oracle can fail: each fault, planted in the notes or the journal of a run without any, is found, and no other."""
