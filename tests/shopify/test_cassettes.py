"""Recorded exchanges, played back through the whole client: nothing leaves the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from shopify_sync.sandbox.server import DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, DEFAULT_TOKEN
from tests.shopify.recorded import DOMAIN, FOLDER, SCENARIOS, VERSION, Scenario, cassette, client_for

PATHS = sorted(FOLDER.glob("*/*.yaml"))


def test_every_scenario_is_recorded() -> None:
    assert {path.stem for path in (FOLDER / VERSION).glob("*.yaml")} == set(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_replay(scenario: Scenario) -> None:
    path = FOLDER / VERSION / f"{scenario.name}.yaml"
    if scenario.credentials == "grant":
        client = client_for(f"http://{DOMAIN}", token=None, client_id="another", secret="another")
    else:
        client = client_for(f"http://{DOMAIN}", token="shpat_another")
    with cassette(path, "none") as tape:
        found = scenario.play(client)
        assert tape.all_played
    client.close()
    expected = json.loads(path.with_suffix(".expected.json").read_text(encoding="utf-8"))
    assert json.loads(json.dumps(found)) == expected


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_cassette_says_where_it_comes_from_and_holds_no_secret(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Recorded from the sandbox")
    assert f"API version {path.parent.name}" in text
    for secret in (DEFAULT_TOKEN, DEFAULT_CLIENT_SECRET, DEFAULT_CLIENT_ID, "x-shopify-access-token", "127.0.0.1"):
        assert secret.lower() not in text.lower()
    assert yaml.safe_load(text)["interactions"]
