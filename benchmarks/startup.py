"""How long a command takes to start, beside bare Python in the same run: medians, in milliseconds.

Limits hold for the processor's time (user and system), which other programs on the machine disturb less than the
clock on the wall. The last commands ask a sandbox shop in which nothing has changed.

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

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from shopify_sync.sandbox import SandboxServer

ROOT = Path(__file__).resolve().parent.parent
# (what, arguments, the most it may take over bare Python)
COMMANDS = (
    ("--version", ["--version"], 40),
    ("--help", ["--help"], 120),
    ("status (SQLite)", ["status"], 150),
    ("products list (SQLite)", ["products", "list"], None),
    ("conflicts list", ["conflicts", "list"], None),
    ("breaker status", ["breaker", "status"], None),
    ("sync, nothing to do", ["sync"], None),
)


def median_ms(command: list[str], environment: dict[str, str], runs: int) -> tuple[float, float]:
    """(CPU, wall): the middle ones of several runs."""
    cpu, wall = [], []
    for _ in range(runs):
        started = time.perf_counter()
        with subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            _, status, use = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        wall.append((time.perf_counter() - started) * 1000)
        cpu.append((use.ru_utime + use.ru_stime) * 1000)
        if process.returncode:
            raise SystemExit(f"{command[3:]} ended with {process.returncode}")
    return statistics.median(cpu), statistics.median(wall)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    options.add_argument("--runs", type=int, default=15)
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, SandboxServer(products=20) as shop:
        environment = os.environ | {
            "SHOPIFY_API_URL": shop.url,
            "SHOPIFY_ACCESS_TOKEN": shop.token,
            "SHOPIFY_SYNC_DATABASE_URL": f"sqlite:///{folder}/shop.db",
            "XDG_CONFIG_HOME": folder,
            "XDG_STATE_HOME": folder,
            "XDG_DATA_HOME": folder,
        }
        program = [sys.executable, "-c", "from shopify_sync.__main__ import main; main()"]
        subprocess.run([*program, "sync", "-q"], env=environment, check=True, cwd=ROOT)
        bare, bare_wall = median_ms([sys.executable, "-c", "pass"], environment, chosen.runs)
        rows = []
        for what, arguments, limit in COMMANDS:
            cpu, wall = median_ms([*program, *arguments], environment, chosen.runs)
            over, over_wall = round(cpu - bare), round(wall - bare_wall)
            rows.append({"what": what, "cpu_ms": over, "wall_ms": over_wall, "limit_ms": limit})
    if chosen.json:
        print(json.dumps([{"what": "bare python", "cpu_ms": round(bare), "wall_ms": round(bare_wall)}, *rows]))
        return
    print(f"{'over bare Python, ms':26}{'CPU':>6}{'wall':>7}{'limit':>7}")
    for row in rows:
        print(f"{row['what']:26}{row['cpu_ms']:6}{row['wall_ms']:7}{row['limit_ms'] or '–':>7}")
    print(f"bare Python: {bare:.0f} CPU, {bare_wall:.0f} wall")


if __name__ == "__main__":
    main()
