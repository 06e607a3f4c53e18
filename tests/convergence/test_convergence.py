"""Random edits on both sides, syncs, faults and kills: no edit is lost, and both sides end the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.convergence.__main__ import report
from tests.convergence.bench import Bench
from tests.convergence.history import History, play
from tests.postgres import binaries

HISTORIES = 512
CHUNKS = 32


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Bench]:
    url: str | None = request.getfixturevalue("postgres") if binaries() is not None else None
    with Bench(tmp_path_factory.mktemp("convergence"), url) as ready:
        yield ready


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_histories_converge(bench: Bench, chunk: int) -> None:
    """Whatever happens in whatever order, the model of both sides agrees after each run, and at rest all is equal."""
    for seed in range(chunk + 1, HISTORIES + 1, CHUNKS):
        history = History.of(seed, postgres=bench.postgres is not None)
        if said := play(bench, history):
            pytest.fail(report(bench, history, said), pytrace=False)


def test_the_model_sees_a_lost_edit(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A watchman that never barks guards nothing: an engine that takes Shopify's value for every dispute is told."""
    from shopify_sync.engine.merge import Rules

    monkeypatch.setattr(Rules, "winner", lambda *_: ("shopify", "nobody"))
    assert any(play(bench, History.of(seed, postgres=False)) for seed in range(1, 40))
