"""`python -m evals.bench NAME`: measures the speed or memory of one part."""

import sys

import evals.bench
from evals.runner import run_named

if __name__ == "__main__":
    sys.exit(run_named(evals.bench, sys.argv[1:]))
