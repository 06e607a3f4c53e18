"""One record, two sides: what a node from Shopify means for the record that is here. Pure.

Everything that a run or a plan does to a record is decided here, so that a plan cannot differ from the run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shopify_sync.engine.disputes import entries, overlaid
from shopify_sync.engine.merge import Merged, Rules, merge
from shopify_sync.engine.turns import back
from shopify_sync.records import (
    AMBIGUOUS,
    Action,
    Disagreement,
    Dispute,
    Incoming,
    LocalRecord,
    Node,
    PlanLine,
    Record,
    RecordError,
    Settlement,
    Tomb,
)
from shopify_sync.spec import Diff, Entity, canonical, compare, lines, plain, record_of, shopify_id, updated_at


@dataclass(frozen=True, slots=True)
class Finding:
    """A merge, and what each side has to change for it."""

    merged: Merged
    remote: Record
    to_local: Diff
    to_remote: Diff

    @property
    def disputes(self) -> list[Dispute]:
        return self.merged.disputes

    @property
    def agreed(self) -> bool:
        """Both sides will be the same, and Shopify already is."""
        return not self.to_remote and not self.merged.disputes


def arriving(entity: Entity, node: Node) -> Incoming:
    payload, digest = canonical(entity, node)
    return Incoming(node, payload, digest, updated_at(node), shopify_id(node), str(node[entity.natural_key] or ""))


def differs(entity: Entity, one: Node, other: Node) -> bool:
    return canonical(entity, one)[1] != canonical(entity, other)[1]


def record_here(entity: Entity, local: LocalRecord) -> Record:
    """The record in the database, with what Shopify adds by itself where it is left out."""
    return entity.complete(local.record, local.seen)


def base_of(entity: Entity, local: LocalRecord) -> Record:
    """What both sides last agreed on. Nothing, for a record that was never linked: then all that differs is in
    dispute, and what only one side has is taken over."""
    return overlaid(entity, local.seen or {}, local.disputed)


def look(
    entity: Entity, local: LocalRecord, remote: Record | None, rules: Rules, changed_at: datetime | None = None
) -> Finding:
    """Merge. `remote` None stands for: as it was last seen; `changed_at` is when Shopify last changed it."""
    if remote is None:
        remote = local.seen or {}
    newer = "local" if local.edited_at and changed_at and local.edited_at > changed_at else "shopify"
    there = back(entity, local.seen or {}, remote)
    merged = merge(entity, base_of(entity, local), record_here(entity, local), there, rules, local.decisions, newer)
    return Finding(
        merged,
        remote,
        compare(entity, local.record, merged.here, sendable=False, strict=True),
        compare(entity, remote, merged.there),
    )


def settled_after(
    entity: Entity, sent: Finding, now: LocalRecord, answer: Record, rules: Rules, *, refused: bool
) -> Finding:
    """What is left when Shopify's answer to what was sent has been read.

    What was sent is the base then: a field that somebody edited here meanwhile is a new edit, one that Shopify has
    differently was changed (or normalised) there. Where a part was refused, the base stays what it was before.
    """
    before = sent.remote if refused else sent.merged.there
    base = overlaid(entity, before, entries(sent.merged.disputes))
    if refused:
        base = overlaid(entity, base, now.disputed)
    here = entity.complete(now.record, before)
    merged = merge(entity, base, here, answer, rules)
    return Finding(
        merged,
        answer,
        compare(entity, now.record, merged.here, sendable=False, strict=True),
        compare(entity, answer, merged.there),
    )


def settlement(local: LocalRecord, finding: Finding, incoming: Incoming | None) -> Settlement:
    """What the database is to do about a finding."""
    pending = bool(finding.to_remote)
    return Settlement(
        local_id=local.local_id,
        local_rev=local.local_rev,
        key=local.key,
        shopify_id=local.shopify_id,
        before=local.record,
        here=finding.merged.here,
        incoming=replace(incoming, local_id=local.local_id) if incoming is not None else None,
        dirty=pending or bool(finding.disputes),
        held=not pending and bool(finding.disputes),
        disputed=entries(finding.disputes),
        disputes=tuple(finding.disputes),
        settled=tuple(finding.merged.settled),
    )


# Deleted on one side


def edit_delete(rules: Rules, decision: str, newer: str) -> str:
    """Who wins where one side edited what the other deleted: `local`, `shopify`, or "" for nobody yet."""
    if decision in ("local", "shopify"):
        return decision
    return rules.winner("", newer)[0]


def gone_or_edited(entity: Entity, rules: Rules, local: LocalRecord) -> str:
    """Who wins where Shopify deleted a record that is marked as changed here. A change that left nothing different
    is none."""
    decision = local.decisions.get("")
    if decision is None and local.seen and not compare(entity, local.seen, record_here(entity, local)):
        return "shopify"
    return edit_delete(rules, decision.take if decision else "", "shopify")


def settled_by_policy(rules: Rules, found: Disagreement, winner: str) -> Disagreement:
    """What nobody was asked about is written down all the same."""
    by = f"policy:{rules.winner('', 'shopify')[1]}"
    return replace(found, decision=winner, by=by, policy=by)


def gone(entity: Entity, local: LocalRecord) -> Disagreement:
    """Edited here, deleted on Shopify. The sides tell what was edited."""
    edits = lines(entity, compare(entity, local.seen or {}, record_here(entity, local)))
    return Disagreement(
        local_id=local.local_id,
        shopify_id=local.shopify_id,
        key=local.key,
        kind="version",
        path="",
        base={line.path: line.before for line in edits},
        local={line.path: line.after for line in edits},
        remote=None,
    )


def ambiguous(entity: Entity, shopify_id: int, key: str, ids: Sequence[int]) -> Disagreement:
    """Several new records here are the same as one on Shopify. Nobody guesses which is meant."""
    return Disagreement(
        local_id=ids[0],
        shopify_id=shopify_id,
        key=key,
        kind="data",
        path="",
        base=None,
        local=[f"local id {local_id}" for local_id in ids],
        remote=f"one record has the same {entity.natural_key}",
        policy=AMBIGUOUS,
    )


def deleted_here(entity: Entity, tomb: Tomb, before: Record, node: Node) -> Disagreement:
    """Deleted here, edited on Shopify."""
    edits = lines(entity, compare(entity, before, record_of(entity, node), sendable=False))
    return Disagreement(
        local_id=tomb.local_id,
        shopify_id=tomb.shopify_id,
        key=tomb.key,
        kind="version",
        path="",
        base={line.path: line.before for line in edits},
        local=None,
        remote={line.path: line.after for line in edits},
    )


# Plans


def plan_lines(entity: Entity, diff: Diff, reason: str = "") -> tuple[PlanLine, ...]:
    return tuple(PlanLine(line.path, plain(line.before), plain(line.after), reason) for line in lines(entity, diff))


def dispute_lines(disputes: Sequence[Dispute]) -> tuple[PlanLine, ...]:
    return tuple(
        PlanLine(dispute.path, plain(dispute.local), plain(dispute.remote), "both sides changed it")
        for dispute in disputes
    )


def creation_lines(record: Record) -> tuple[PlanLine, ...]:
    """What a new record brings: its own fields, and how many elements each list has."""
    told = []
    for name, value in record.items():
        if value in (None, "", [], {}, False) or name in ("shopify_id", "created_at"):
            continue
        counted = isinstance(value, list) and bool(value) and isinstance(value[0], dict)
        told.append(PlanLine(name, None, f"{len(value)} {name}" if counted else plain(value)))
    return tuple(told)


def pulled(entity: Entity, node: Node) -> Action:
    """A record that is new here."""
    record = record_of(entity, node)
    return Action(
        "pull",
        "create",
        entity.name,
        str(record[entity.natural_key]),
        None,
        shopify_id(node),
        creation_lines(record),
        "only on Shopify",
    )


def refused_action(entity: Entity, local: LocalRecord, errors: Sequence[RecordError]) -> Action:
    lines = tuple(PlanLine(error.field_path or "", None, error.message, error.remedy or "") for error in errors)
    key = local.key or f"local id {local.local_id}"
    reason = errors[0].remedy or ""
    return Action("refuse", "refuse", entity.name, key, local.local_id, local.shopify_id, lines, reason)


def ambiguous_action(entity: Entity, found: Disagreement) -> Action:
    line = PlanLine("", found.local, found.remote, "several are the same")
    reason = "give all but one another key, or delete them"
    return Action("conflict", "conflict", entity.name, found.key, found.local_id, found.shopify_id, (line,), reason)


def conflict_action(entity: Entity, local: LocalRecord, disputes: Sequence[Dispute]) -> Action:
    return Action(
        "conflict",
        "conflict",
        entity.name,
        local.key,
        local.local_id,
        local.shopify_id,
        dispute_lines(disputes),
        "waits for `conflicts resolve`",
    )
