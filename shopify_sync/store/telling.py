"""What a run has to say of conflicts: the lines of `conflict_log` for one record."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from shopify_sync.records import Disagreement, Dispute, Settlement
from shopify_sync.spec import plain
from shopify_sync.store import conflicts


def noted(conn: Connection, shop_id: int, entity: str, run_id: int, found: Disagreement, now: datetime) -> None:
    """A disagreement about a record as a whole: deleted on one side, edited on the other, or not told apart."""
    row: dict[str, Any] = {
        "shop_id": shop_id,
        "entity": entity,
        "run_id": run_id or None,
        "local_id": found.local_id,
        "shopify_id": found.shopify_id,
        "record_key": found.key,
        "type": found.kind,
        "field_path": found.path,
        "base": plain(found.base),
        "local": plain(found.local),
        "remote": plain(found.remote),
        "policy": found.policy,
        "now": now,
    }
    if not found.decision:
        conflicts.note(conn, **row)
        return
    reason = f"took {found.decision}"
    conflicts.record_decided(conn, **row, decision=found.decision, decided_by=found.by, reason=reason)


def settled(conn: Connection, shop_id: int, entity: str, run_id: int, one: Settlement, now: datetime) -> None:
    """What a merge left open, what was decided, and what has become moot."""
    for dispute in one.disputes:
        conflicts.note(conn, **_row(shop_id, entity, run_id, one, dispute), policy="ask", now=now)
    for dispute in one.settled:
        if dispute.decision_id is not None:
            conflicts.carried_out(conn, [dispute.decision_id], now, f"took {dispute.take}")
        else:
            conflicts.record_decided(
                conn,
                **_row(shop_id, entity, run_id, one, dispute),
                policy=dispute.by,
                now=now,
                decision=dispute.take,
                decided_by=dispute.by,
                reason=f"took {dispute.take}",
            )
    keep = [dispute.path for dispute in one.disputes]
    reason = "no longer in dispute" if keep else "both sides agree now"
    conflicts.close(conn, shop_id, entity, [one.local_id], reason=reason, now=now, keep=keep)


def _row(shop_id: int, entity: str, run_id: int, one: Settlement, dispute: Dispute) -> dict[str, Any]:
    return {
        "shop_id": shop_id,
        "entity": entity,
        "run_id": run_id or None,
        "local_id": one.local_id,
        "shopify_id": one.shopify_id,
        "record_key": one.key,
        "type": "timestamp" if dispute.by.startswith("sync") else "data",
        "field_path": dispute.path,
        "base": plain(dispute.base),
        "local": plain(dispute.local),
        "remote": plain(dispute.remote),
    }
