"""Verify as a run, and the repair of what it found: only the records concerned, by the ways of any other sync."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shopify_sync.app.running import declaration, worst
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.differences import mended
from shopify_sync.engine.pull import Pull, PullOptions
from shopify_sync.engine.push import Push, PushOptions
from shopify_sync.engine.verify import Verify, VerifyOptions
from shopify_sync.entities import NAMES
from shopify_sync.records import Batch, Proof, RunResult, Settlement, Unequal
from shopify_sync.records.proofs import ALTERED, BOTH, ON_SHOPIFY, WAITS
from shopify_sync.store.holdings import DatabaseHoldings
from shopify_sync.store.local import DatabaseLocal

if TYPE_CHECKING:
    from shopify_sync.app.core import App

_CHUNK = 50


@dataclass
class Verified:
    """One entity: what was proved, the run that proved it, and with a repair what was wrong before and its runs."""

    proof: Proof
    run: RunResult
    before: Proof | None = None
    repairs: list[RunResult] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """What stopped a run comes first; then what the last proof says."""
        stopped = [code for run in (self.run, *self.repairs) if (code := run.exit_code) not in (0, 3, 4)]
        order = (130, 1, 2, 7, 5, 6, 8, 9)
        return next((code for code in order if code in stopped), self.proof.exit_code)

    def as_json(self) -> dict[str, Any]:
        repair = None
        if self.before is not None:
            repair = {"before": self.before.as_json(), "runs": [run.as_json() for run in self.repairs]}
        return self.proof.as_json() | {"run": self.run.as_json(), "repair": repair}


def verify(app: App, names: Sequence[str] = (), *, repair: bool = False, deep: bool = False) -> list[Verified]:
    """Compare both sides of some entities, or of all. Without `repair` nothing is written but the run's row."""
    for name in names:
        declaration(name)
    found = []
    for name in names or NAMES:
        one = _verify(app, name, VerifyOptions(deep=deep))
        if repair and not app.dry_run and one.proof.whole and (one.proof.unequal or one.proof.damaged):
            one = _repaired(app, one)
        found.append(one)
    return found


def exit_code(found: Sequence[Verified]) -> int:
    """Of several entities: what stopped one, then what differs, then what waits for a decision."""
    return worst([replace(one.run, exit_code=one.exit_code) for one in found])


def _verify(app: App, name: str, options: VerifyOptions, before: Proof | None = None) -> Verified:
    made: list[Proof] = []

    def work(context: Context) -> None:
        look = Verify(context, DatabaseHoldings(_local(context)), options)
        made.append(look.proof)
        look.run()
        if before is not None:
            _put_together(look.proof, before, context)
        context.result.notes.append(sentence(look.proof))

    run = app.runner.run(name, "verify", work)
    return Verified(made[0] if made else Proof(name, options.deep), run)


def _local(context: Context) -> DatabaseLocal:
    local = context.local
    if not isinstance(local, DatabaseLocal):
        raise TypeError("runs work on a database")
    return local


def _put_together(after: Proof, before: Proof, context: Context) -> None:
    """The proof of the whole, of which only what was repaired had to be looked at again."""
    whole = {item.local_id for item in before.unequal}
    equal = sum(local_id not in whole for local_id in before.damaged)
    seen = equal + sum(item.kind != "extra" for item in before.unequal)
    here = equal + sum(item.kind in ("different", "extra") for item in before.unequal)
    after.shopify += before.shopify - seen
    after.here += before.here - here
    after.left += before.left
    after.deep, after.as_of, after.digests = before.deep, before.as_of, ("", "")
    counts = context.result.counts
    counts.seen = max(after.here, after.shopify - after.left)
    counts.unchanged = max(0, after.here - after.count("extra") - after.count("different"))


# repair


def _repaired(app: App, first: Verified) -> Verified:
    """Pull, push, look again. What is in dispute, and what Shopify refused, is left to people."""
    name, proof = first.proof.entity, first.proof
    todo = [item for item in proof.unequal if not item.disputed]
    pulls = {*_ids(todo, lambda item: bool(item.whys & {ON_SHOPIFY, BOTH, ALTERED})), *proof.damaged.values()}
    altered = [item.local_id for item in todo if ALTERED in item.whys and item.local_id is not None]
    tombs = _ids(todo, lambda item: item.kind == "missing" and item.why == WAITS)
    pushes = [
        item.local_id
        for item in todo
        if item.local_id is not None and item.kind != "missing" and item.whys & {WAITS, BOTH, ALTERED}
    ]
    app.runner.group = first.run.run_id
    runs: list[RunResult] = []
    try:
        if pulls or altered:
            runs.append(_pull(app, name, proof, sorted(pulls), altered))
        if (pushes or tombs) and _going_on(runs):
            runs.append(_push(app, name, pushes, tombs))
        if not runs or not _going_on(runs):
            return Verified(proof, first.run, proof, runs)
        local_ids = [item.local_id for item in proof.unequal if item.local_id is not None] + list(proof.damaged)
        shopify_ids = [item.shopify_id for item in proof.unequal if item.shopify_id is not None]
        again = _verify(app, name, VerifyOptions(proof.deep, (local_ids, shopify_ids)), proof)
    finally:
        app.runner.group = None
    return Verified(again.proof, again.run, proof, runs)


def _going_on(runs: Sequence[RunResult]) -> bool:
    return all(run.status in ("succeeded", "partial") for run in runs)


def _ids(items: Sequence[Unequal], wanted: Any) -> list[int]:
    return [item.shopify_id for item in items if item.shopify_id is not None and wanted(item)]


def _pull(app: App, name: str, proof: Proof, ids: Sequence[int], altered: Sequence[int]) -> RunResult:
    """Take over what Shopify has. What was altered here unseen is first made a local edit, so that it is merged;
    where nobody can tell any more what was agreed on, both sides are compared as if they met for the first time."""

    def work(context: Context) -> None:
        standing = context.local.standing()
        first = context.local.pulled() is None
        app.brakes.before_pull(standing, proof.shopify, first=first)
        app.brakes.before_push(replace(standing, changed=standing.changed + len(altered)), first=first)
        _mend(context, [local_id for local_id in altered if local_id not in proof.damaged])
        with context.local.session() as session:
            session.doubt(list(proof.damaged))
        if ids:
            Pull(context, PullOptions(only=ids, brakes=app.brakes)).run()

    return app.runner.run(name, "pull", work)


def _push(app: App, name: str, ids: Sequence[int], tombs: Sequence[int]) -> RunResult:
    def work(context: Context) -> None:
        app.brakes.before_push(context.local.standing(), first=context.local.pulled() is None)
        context.facts = app.facts()
        Push(context, PushOptions(only=ids, tombs=tombs, brakes=app.brakes)).run()

    return app.runner.run(name, "push", work)


def _mend(context: Context, local_ids: Sequence[int]) -> None:
    """Mark records that were altered unseen as edited here; what is gone from them may be damage, and comes back."""
    for at in range(0, len(local_ids), _CHUNK):
        chunk = local_ids[at : at + _CHUNK]
        with context.local.session() as session:
            rows = session.read(chunk)
            session.known([row.shopify_id for row in rows if row.shopify_id is not None])  # nobody edits them meanwhile
            batch = Batch()
            for row in session.read(chunk):
                if row.dirty or row.deleted:
                    continue
                batch.settle.append(
                    Settlement(
                        local_id=row.local_id,
                        local_rev=row.local_rev,
                        key=row.key,
                        shopify_id=row.shopify_id,
                        before=row.record,
                        here=mended(context.entity, row),
                        incoming=None,
                        dirty=True,
                        held=False,
                        disputed=row.disputed,
                    )
                )
            session.save(batch, context.clock.now())


def sentence(proof: Proof) -> str:
    """The proof in one line: `products: 20,000 on both sides; 0 missing, 0 extra, 0 different, as of …`."""
    there = proof.shopify - proof.left
    sides = f"{there:,} on both sides" if there == proof.here else f"{proof.here:,} here, {there:,} on Shopify"
    counted = ", ".join(f"{proof.count(kind):,} {kind}" for kind in ("missing", "extra", "different"))
    as_of = proof.as_of.isoformat(timespec="seconds").replace("+00:00", "Z") if proof.as_of else "now"
    return f"{proof.entity}: {sides}; {counted}, as of {as_of}"
