"""Records `cassettes/` anew from the sandbox shop: `python -m tests.record_cassettes`."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TOKEN, SandboxServer
from tests.shopify.recorded import FOLDER, PRODUCTS, SCENARIOS, SEED, VERSION, Scenario, cassette, client_for

_HEADER = """\
# Recorded from the sandbox shop of this repository (shopify_sync.sandbox), API version {version}, on {date}.
# It is no evidence about Shopify. Tokens and secrets are filtered out. Made by tests/record_cassettes.py.
"""


def record(scenario: Scenario, folder: Path = FOLDER) -> Path:
    """Write one cassette, and beside it what playing it came to. Returns the cassette's path."""
    path = folder / VERSION / f"{scenario.name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with SandboxServer(PRODUCTS, SEED, clock=ManualClock(), faults=scenario.faults) as server:
        if scenario.credentials == "grant":
            client = client_for(server.url, token=None, client_id=DEFAULT_CLIENT_ID, secret=DEFAULT_CLIENT_SECRET)
        else:
            client = client_for(server.url, token=DEFAULT_TOKEN if scenario.credentials == "token" else "shpat_wrong")
        with cassette(path, "all"):
            result = scenario.play(client)
        client.close()
    header = _HEADER.format(version=VERSION, date=datetime.now(UTC).date())
    path.write_text(header + path.read_text(encoding="utf-8"), encoding="utf-8")
    expected = json.dumps(result, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    path.with_suffix(".expected.json").write_text(expected, encoding="utf-8")
    return path


def main() -> None:
    for scenario in SCENARIOS.values():
        sys.stdout.write(f"{record(scenario)}\n")


if __name__ == "__main__":
    main()
