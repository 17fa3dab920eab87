"""`python -m evals NAME --data DIR`: measures one part on real data."""

import sys

import evals
from evals.runner import run_named

if __name__ == "__main__":
    sys.exit(run_named(evals, sys.argv[1:]))
