"""The states of an order, derived from its parts: pure functions over records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shopify_sync.sandbox.resources.order_money import Totals, unfulfilled_quantity

Record = Mapping[str, Any]

ENDED = ("CLOSED", "CANCELLED")  # fulfilment orders in these states wait for nothing


def financial_status(order: Record, sums: Totals) -> str | None:
    """`displayFinancialStatus` as the transactions say; the one given at creation stands while there are none.

    Recorded: null without transactions (orderClose-parity), AUTHORIZED (orderCreate-state-derived-payment-and-count),
    PENDING as given, PAID, REFUNDED (refund-create-full-parity). The rest follows the enum's descriptions.
    """
    rows: Sequence[Record] = order.get("transactions") or ()
    if not rows:
        given: str | None = order.get("financial")
        return given if given is not None or sums.current_total_price.shop else "PAID"
    if sums.total_refunded.shop > 0:
        return "REFUNDED" if sums.net_payment.shop <= 0 else "PARTIALLY_REFUNDED"
    if sums.total_received.shop > 0:
        return "PAID" if (sums.total_outstanding + sums.total_capturable).shop <= 0 else "PARTIALLY_PAID"
    if sums.total_capturable.shop > 0:
        return "AUTHORIZED"
    if any(row.get("expired") for row in rows):
        return "EXPIRED"
    if any(row["kind"] == "VOID" and row["status"] == "SUCCESS" for row in rows):
        return "VOIDED"
    return "PENDING"


def fulfillment_status(lines: Sequence[Record], fulfillment_orders: Iterable[Record]) -> str:
    """`displayFulfillmentStatus`; source: descriptions of the enum.

    An order whose units were all restocked stays UNFULFILLED, as the enum's RESTOCKED was replaced by that.
    """
    if not lines:
        return "FULFILLMENT_NOT_REQUIRED"
    done = sum(line.get("fulfilled", 0) for line in lines)
    rest = sum(unfulfilled_quantity(line) for line in lines)
    if done and not rest:
        return "FULFILLED"
    waiting = {
        row["status"]
        for row in fulfillment_orders
        if row["status"] not in ENDED and any(line["remaining"] for line in row["lines"])
    }
    if waiting in ({"ON_HOLD"}, {"SCHEDULED"}):
        return str(waiting.pop())
    if done:
        return "PARTIALLY_FULFILLED"
    return "IN_PROGRESS" if waiting == {"IN_PROGRESS"} else "UNFULFILLED"


def return_status(returns: Iterable[Record]) -> str:
    """`returnStatus`, the most pressing of the returns' states; recorded: order-return-status-lifecycle."""
    states = {row["status"] for row in returns}
    for state, name in (("REQUESTED", "RETURN_REQUESTED"), ("OPEN", "IN_PROGRESS"), ("CLOSED", "RETURNED")):
        if state in states:
            return name
    return "NO_RETURN"
