"""Runs a module's `main()` and tells the peak memory of its process: see `measure.Child`.

python -m benchmarks.child FD MODULE ARGUMENT…
"""

from __future__ import annotations

import importlib
import os
import sys


def run() -> None:
    """`FD` is where the number of MB goes, a file that the parent has opened."""
    descriptor, module = int(sys.argv[1]), sys.argv[2]
    sys.argv[:] = [module, *sys.argv[3:]]
    try:
        importlib.import_module(module).main()
    finally:
        with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - pathlib is not imported for this
            peak = next((line.split()[1] for line in status if line.startswith("VmHWM")), "")
        os.write(descriptor, str(int(peak) / 1024).encode() if peak else b"")


if __name__ == "__main__":
    run()
