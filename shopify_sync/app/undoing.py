"""Putting back what a run changed, on both sides; itself a run, so that it can be undone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shopify_sync.app.planning import Plan, price
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.undo import Undo
from shopify_sync.errors import UsageError
from shopify_sync.records import Gate, Planning, RunResult
from shopify_sync.store import checkpoints, journal, runs

if TYPE_CHECKING:
    from shopify_sync.app.core import App


@dataclass(frozen=True, slots=True)
class Undoable:
    """Runs that belong together, of one entity."""

    entity: str
    run_ids: list[int] = field(default_factory=list)


def undoable(app: App, run_id: int, *, alone: bool = False) -> list[Undoable]:
    """What `undo RUN` means: the runs of the same `sync` or `apply`, or with `alone` that run only.

    Raises UsageError where there is nothing to be undone.
    """
    with app.database.read() as conn:
        found = runs.together(conn, app.shop["id"], run_id, alone=alone)
    if not found:
        raise UsageError(f"there is no run {run_id}", next="`shopify-sync history` shows which there are")
    running = [row for row in found if row["status"] == "running"]
    if running:
        raise UsageError(f"run {running[0]['id']} has not ended", next="wait for it, then undo it")
    by_entity: dict[str, list[int]] = {}
    for row in found:
        by_entity.setdefault(row["entity"], []).append(row["id"])
    return [Undoable(name, ids) for name, ids in by_entity.items()]


def plan(app: App, chosen: Sequence[Undoable]) -> Plan:
    """What undoing would do. The app has to be opened with `dry_run`."""
    gate = Planning(price)
    results = [_undo(app, one, gate) for one in chosen]
    return Plan(
        app.domain, [one.entity for one in chosen], app.clock.now(), gate.actions, results, app.client.restore_rate
    )


def undo(app: App, chosen: Sequence[Undoable]) -> list[RunResult]:
    """Do it, entity by entity, the last first."""
    return [_undo(app, one, None) for one in reversed(chosen)]


def _undo(app: App, one: Undoable, gate: Gate | None) -> RunResult:
    def work(context: Context) -> None:
        with app.database.read() as conn:
            changes = journal.of_runs(conn, one.run_ids, one.entity)
        if not changes:
            context.result.notes.append("these runs changed nothing, or their journal was pruned")
            return
        context.facts = app.facts()
        Undo(context, changes, dry_run=app.dry_run).run()
        if not app.dry_run:
            _look_again(app, one, context)

    return app.runner.run(one.entity, "undo", work, gate=gate, leased=("undo", "pull", "push"))


def _look_again(app: App, one: Undoable, context: Context) -> None:
    """The next pull lists again what the undone one had listed, so that both sides are compared as before it."""
    with app.database.transaction() as conn:
        before = runs.pulled_before(conn, app.shop["id"], one.entity, min(one.run_ids))
        stored = checkpoints.load(conn, app.shop["id"], one.entity, "pull")
        if stored.watermark is not None and (before is None or before < stored.watermark):
            checkpoints.rewind(conn, app.shop["id"], one.entity, before)
    if context.result.counts.failed:
        context.result.notes.append("what failed is as the run left it; undo the run again when that is mended")
        return
    context.result.notes.append(
        "both sides are as before the run: the next sync would do the same again, unless you change a side or a policy"
    )
