"""Speed and memory: `python -m evals.bench NAME`. One file a benchmark."""
