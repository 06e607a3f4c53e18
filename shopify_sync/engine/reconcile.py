"""One record, two sides: what a node from Shopify means for the row that is here. Pure.

In this release a record that both sides changed is never written by either: it is recorded and left as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from shopify_sync.records import Disagreement, LocalRecord, Record
from shopify_sync.spec import Diff, Entity, compare, lines


class Verdict(Enum):
    """What a three-way look at one record says."""

    SAME = "same"  # neither side differs from the base
    TAKE = "take"  # only Shopify changed, or both came to the same: take its state
    SEND = "send"  # only the database changed
    CONFLICT = "conflict"  # both did, and differently


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    ours: Diff  # base -> local
    theirs: Diff  # base -> remote


def record_here(entity: Entity, local: LocalRecord) -> Record:
    """The record in the database, with what Shopify adds by itself where it is left out."""
    return entity.complete(local.record, local.base)


def look(entity: Entity, local: LocalRecord, remote: Record | None) -> Finding:
    """Compare base, local and remote. `remote` None stands for: known to be as the base.

    A record that was never linked has no base; then everything that differs between the sides is in dispute.
    """
    base = local.base if local.base is not None else (remote or {})
    ours = compare(entity, base, record_here(entity, local))
    if remote is None:
        return Finding(Verdict.SEND if ours else Verdict.SAME, ours, Diff())
    theirs = compare(entity, base, remote, sendable=False)
    if local.base is None:
        return Finding(Verdict.CONFLICT if ours else Verdict.TAKE, ours, theirs)
    if not ours:
        return Finding(Verdict.TAKE if theirs else Verdict.SAME, ours, theirs)
    if not theirs:
        return Finding(Verdict.SEND, ours, theirs)
    agree = not compare(entity, record_here(entity, local), remote)
    return Finding(Verdict.TAKE if agree else Verdict.CONFLICT, ours, theirs)


def disagreements(
    entity: Entity, local: LocalRecord, remote: Record, finding: Finding, *, kind: str = "data"
) -> list[Disagreement]:
    """The lines of `conflict_log` for one record: its fields that both sides changed, else all that either did."""
    changed_here = {line.path: line for line in lines(entity, finding.ours)}
    changed_there = {line.path: line for line in lines(entity, finding.theirs)}
    disputed = [path for path in changed_here if path in changed_there] or sorted(changed_here | changed_there)
    found = []
    for path in disputed:
        here, there = changed_here.get(path), changed_there.get(path)
        base: Any = (here or there).before if (here or there) else None  # type: ignore[union-attr]
        found.append(
            Disagreement(
                local_id=local.local_id,
                shopify_id=local.shopify_id or remote.get("shopify_id"),
                key=local.key or str(remote.get(entity.natural_key) or ""),
                kind=kind,
                path=path,
                base=base if local.base is not None else None,
                local=here.after if here else base,
                remote=there.after if there else base,
            )
        )
    return found


def gone(local: LocalRecord) -> Disagreement:
    """Edited here, deleted on Shopify."""
    return Disagreement(
        local_id=local.local_id,
        shopify_id=local.shopify_id,
        key=local.key,
        kind="version",
        path="",
        base=local.base,
        local=local.record,
        remote=None,
    )
