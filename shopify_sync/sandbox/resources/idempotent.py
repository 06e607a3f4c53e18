"""`@idempotent(key:)` on mutations that ask for it: a call with a key that was used is not carried out again.

Source: Shopify docs, idempotent requests; texts recorded: inventory-quantity-contracts-2026-04 (none given),
location-activate-deactivate-lifecycle (other parameters).
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

import orjson

from shopify_sync.sandbox.registry import Context, TopLevelError, before_each
from shopify_sync.sandbox.state import Record, Shop, iso

TABLE = "IdempotencyKey"  # a key, whose parameters it stands for, and the record that its call made
KEPT_HOURS = 24
MISMATCH = "The same idempotency key cannot be used with different operation parameters."
_REQUIRED = "The @idempotent directive is required for this mutation but was not provided."


class Mismatch(Exception):
    """The key was used with other parameters."""


def required_key(ctx: Context) -> str:
    """The key of the mutation under way. Raises TopLevelError BAD_REQUEST without one; the merchant needs none."""
    if ctx.idempotency_key is None and not ctx.shop.merchant_acts:
        raise TopLevelError(_REQUIRED, "BAD_REQUEST")
    return ctx.idempotency_key or ""


def made_before(ctx: Context, key: str, name: str, args: Record) -> int | None:
    """The id that the first call with this key made, None when this is the first. Raises Mismatch."""
    if not key:
        return None
    for row in ctx.shop.table(TABLE).values():
        if row["key"] == key:
            if row["digest"] != _digest(name, args):
                raise Mismatch
            return int(row["made"])
    return None


def remember(ctx: Context, key: str, name: str, args: Record, made: int) -> None:
    """Keep what the call with this key made."""
    if key:
        row = {"key": key, "digest": _digest(name, args), "made": made, "at": ctx.shop.now_iso()}
        ctx.shop.put(TABLE, {"id": ctx.shop.next_id(TABLE), **row})


@before_each
def forget(shop: Shop) -> None:
    """Drop keys that are over a day old; the oldest stand first."""
    rows = shop.table(TABLE)
    if not rows:
        return
    limit = iso(shop.now() - timedelta(hours=KEPT_HOURS))
    while rows:
        first = next(iter(rows.values()))
        if first["at"] >= limit:
            return
        shop.drop(TABLE, first["id"])


def _digest(name: str, args: Record) -> str:
    return hashlib.sha256(orjson.dumps([name, args], option=orjson.OPT_SORT_KEYS)).hexdigest()
