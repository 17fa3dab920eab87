"""`python -m config` prints .env.example, as `make docs` writes it."""

import sys

from config.environment import example_env
from config.settings import Settings

if __name__ == "__main__":
    sys.stdout.write(example_env(Settings))
