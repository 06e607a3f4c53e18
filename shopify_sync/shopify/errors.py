"""What may go wrong with a request, what of it is tried again, and how Shopify's words become ours.

`KINDS` is the one table of what is retryable. Sources: shopify.dev, "API response codes" and "API limits";
recorded errors of real stores; the rest is said in `docs/retries.md`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shopify_sync.errors import (
    MissingScope,
    QueryTooExpensive,
    RequestRefused,
    ShopClosed,
    SyncError,
    Throttled,
    TokenRejected,
    Unreachable,
)
from shopify_sync.records import Operation


@dataclass(frozen=True, slots=True)
class Kind:
    """One row: whether it is tried again, whether it counts against the shop (breaker), and whether the request
    may have been carried out, so that a write is only repeated when that does no harm."""

    retry: bool
    counts: bool
    maybe_done: bool
    what: str


KINDS: dict[str, Kind] = {
    # the request never got there
    "refused": Kind(True, True, False, "the connection was refused"),
    "dns": Kind(True, True, False, "its name could not be resolved"),
    "connect_timeout": Kind(True, True, False, "the connection was not established in time"),
    "tls": Kind(False, True, False, "the TLS handshake failed"),
    # it got there, and the answer got lost
    "reset": Kind(True, True, True, "the connection broke"),
    "read_timeout": Kind(True, True, True, "no answer came in time"),
    "truncated": Kind(True, True, True, "the answer was cut off"),
    "not_json": Kind(True, True, True, "the answer was not JSON"),
    # answers of Shopify's edge and servers
    "http_429": Kind(True, True, False, "HTTP 429, too many requests"),
    "http_500": Kind(True, True, True, "HTTP 500"),
    "http_502": Kind(True, True, True, "HTTP 502"),
    "http_503": Kind(True, True, True, "HTTP 503"),
    "http_504": Kind(True, True, True, "HTTP 504, it took too long"),
    "http_540": Kind(True, True, False, "HTTP 540, temporarily disabled"),
    # answers of the GraphQL layer
    "throttled": Kind(True, False, False, "the bucket was empty"),
    "internal": Kind(True, True, True, "an internal error of Shopify's"),
    "partial": Kind(True, False, False, "a part of the answer is missing"),
    "torn_read": Kind(True, False, False, "the record changed while it was read"),
}

# Kinds that a smaller query may cure, so that one query alone does not condemn the shop.
SLOW = frozenset(("read_timeout", "http_504"))


def may_retry(error: SyncError, operation: Operation) -> bool:
    """Whether to send the same operation again."""
    if not isinstance(error, Unreachable):
        return False
    kind = KINDS[error.kind]
    if not kind.retry:
        return False
    return not operation.mutation or operation.repeatable or not (kind.maybe_done and error.sent)


def unreachable(kind: str, host: str, *, detail: str = "", retry_after_s: float | None = None) -> Unreachable:
    """The error for a row of the table."""
    row = KINDS[kind]
    make = Throttled if kind in ("throttled", "http_429") else Unreachable
    return make(
        f"{host} did not answer as it should: {row.what}",
        kind=kind,
        sent=row.maybe_done,
        retry_after_s=retry_after_s,
        why=detail,
        next="run the command again later; `shopify-sync doctor` tells what works",
    )


def from_status(status: int, headers: Mapping[str, str], body: bytes, host: str) -> SyncError | None:
    """What an HTTP status means; None for 2xx. The body is never shown: it may repeat the request."""
    if 200 <= status < 300:
        return None
    if f"http_{status}" in KINDS:
        return unreachable(f"http_{status}", host, retry_after_s=retry_after(headers.get("retry-after")))
    if status == 401:
        return TokenRejected(
            f"Shopify refused the access token for {host} (HTTP 401)",
            why="the token was revoked, has expired or belongs to another store",
            next="set SHOPIFY_ACCESS_TOKEN to a fresh token, then run `shopify-sync doctor`",
        )
    if status == 403:
        return MissingScope(
            f"Shopify forbids this to the access token for {host} (HTTP 403)",
            why="the app lacks an access scope, or the shop does not allow API access",
            next="run `shopify-sync doctor` to see which scopes are missing",
        )
    closed = {
        402: ("the shop is frozen since its bill is unpaid", "the merchant has to settle it with Shopify"),
        404: ("there is no shop at this address", "check SHOPIFY_SHOP_DOMAIN; a closed shop answers so, too"),
        423: ("the shop is locked", "ask Shopify's support; trying again makes it worse"),
        530: ("the shop's domain can't be resolved by Shopify", "ask the merchant to check the shop's domain"),
    }
    if status in closed:
        why, following = closed[status]
        return ShopClosed(f"{host} can't be used (HTTP {status})", why=why, next=following)
    if status >= 500 and status != 501:
        return unreachable("http_500", host, detail=f"HTTP {status}")
    return RequestRefused(
        f"{host} refused the request (HTTP {status})",
        why="security rules of Shopify's refused it" if status == 430 else "",
        next="run the command with -vv and report what it prints",
    )


def from_graphql(
    errors: Any, data: Any, extensions: Mapping[str, Any], operation: Operation, host: str
) -> SyncError | None:
    """What the `errors` of a GraphQL answer mean for the whole request; None when the answer can be used.

    A mutation that has data may have been carried out although a selected field was refused (recorded:
    inventory-adjust-quantities-parity), so it is neither an error nor tried again. A query with a part missing is.
    A search that Shopify only partly understood matches everything (shopify.dev, "Search syntax"), so a warning
    about it is an error.
    """
    if warnings := [w for found in extensions.get("search") or () for w in found.get("warnings") or ()]:
        return RequestRefused(
            f"Shopify did not understand the search of {operation.name}",
            errors=list(warnings),
            why=str(warnings[0].get("message", "")),
            next="report this; the API version may have changed its filters",
        )
    if not errors:
        return None if isinstance(data, Mapping) else unreachable("not_json", host, detail="it had no data")
    if isinstance(errors, str):
        errors = [{"message": errors}]
    found: Sequence[Mapping[str, Any]] = [
        error if isinstance(error.get("extensions") or {}, Mapping) else {**error, "extensions": None}
        for error in errors
        if isinstance(error, Mapping)
    ]
    first = _first(found, "THROTTLED")
    if first is not None:
        return unreachable("throttled", host)
    if (first := _first(found, "MAX_COST_EXCEEDED")) is not None:
        return QueryTooExpensive(f"{operation.name} costs more than one query may", errors=_listed(found))
    if (first := _first(found, "SHOP_INACTIVE")) is not None:
        return ShopClosed(f"{host} is inactive", next="the merchant has to open the shop again")
    if operation.mutation and isinstance(data, Mapping) and any(value is not None for value in data.values()):
        return None
    if (first := _first(found, "ACCESS_DENIED")) is not None:
        needed = str((first.get("extensions") or {}).get("requiredAccess") or "")
        return MissingScope(
            f"the access token may not do this: {first.get('message', 'access denied')}",
            why=f"needed: {needed}" if needed else "",
            next="grant the app the missing access scope and install it again; `shopify-sync doctor` lists them",
        )
    if (first := _first(found, "INTERNAL_SERVER_ERROR")) is not None:
        return unreachable("internal", host, detail=str(first.get("message", "")))
    if not operation.mutation and isinstance(data, Mapping) and any(value is not None for value in data.values()):
        return unreachable("partial", host, detail=str(found[0].get("message", "")) if found else "")
    message = str(found[0].get("message", "")) if found else "no reason given"
    return RequestRefused(
        f"Shopify refused {operation.name}: {message}",
        errors=_listed(found),
        next="run the command with -vv and report what it prints",
    )


def _listed(errors: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(error) for error in errors]


def _first(errors: Sequence[Mapping[str, Any]], code: str) -> Mapping[str, Any] | None:
    return next((e for e in errors if (e.get("extensions") or {}).get("code") == code), None)


def retry_after(text: str | None) -> float | None:
    """`Retry-After` as Shopify sends it: seconds with a fraction (`2.0`)."""
    try:
        return float(text) if text else None
    except ValueError:
        return None
