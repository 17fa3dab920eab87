"""Versions of the journal's tables. A new one is a file in versions/ and its number in actors/runtime_tables.py."""
