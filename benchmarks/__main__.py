"""`python -m benchmarks`: see suite.py, or `python -m benchmarks --help`."""

from __future__ import annotations

import sys

from benchmarks.suite import main

if __name__ == "__main__":
    sys.exit(main())
