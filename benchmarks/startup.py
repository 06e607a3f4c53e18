"""How long a command takes to start, beside bare Python in the same run (medians of process time, milliseconds).

python benchmarks/startup.py [--runs 15]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# (what, arguments, the most it may take over bare Python)
COMMANDS = (
    ("--version", ["--version"], 40),
    ("--help", ["--help"], 120),
    ("status (SQLite)", ["status"], 150),
    ("products list (SQLite)", ["products", "list"], None),
)


def median_ms(command: list[str], environment: dict[str, str], runs: int) -> float:
    """The middle one of several runs."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--runs", type=int, default=15)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "SHOPIFY_SYNC_DATABASE_URL": f"sqlite:///{folder}/shop.db",
            "XDG_CONFIG_HOME": folder,
        }
        program = [sys.executable, "-c", "from shopify_sync.__main__ import main; main()"]
        subprocess.run([*program, "db", "upgrade"], env=environment, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
        bare = median_ms([sys.executable, "-c", "pass"], environment, chosen.runs)
        rows = []
        for what, arguments, limit in COMMANDS:
            took = median_ms([*program, *arguments], environment, chosen.runs)
            rows.append({"what": what, "ms": round(took), "over_bare_ms": round(took - bare), "limit_ms": limit})
    if chosen.json:
        print(json.dumps([{"what": "bare python", "ms": round(bare)}, *rows]))
        return
    print(f"{'':26}{'ms':>6}{'over bare':>11}{'limit':>7}")
    print(f"{'bare Python':26}{bare:6.0f}")
    for row in rows:
        print(f"{row['what']:26}{row['ms']:6}{row['over_bare_ms']:11}{row['limit_ms'] or '–':>7}")


if __name__ == "__main__":
    main()
