"""Fulfilment orders and fulfilments: how they are made, fulfilled, cancelled and closed, and what stock they claim.

Recorded: fulfillment-create-preconditions, fulfillment-cancel-parity (a fulfilled order's closed fulfilment order keeps
its lines, and a new one takes the cancelled units), order-edit-commit-history-and-fulfillment-orders (units taken off
leave the open fulfilment order, added lines get one of their own).
"""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.resources.order_effects import location_for, move
from shopify_sync.sandbox.resources.order_model import line_of, parts_of
from shopify_sync.sandbox.resources.order_states import ENDED
from shopify_sync.sandbox.state import Record, Shop

FULFILLABLE = ("OPEN", "IN_PROGRESS")


def open_orders(shop: Shop, order: Record) -> list[Record]:
    """The fulfilment orders that still wait for something."""
    return [row for row in parts_of(shop, order, "fulfillmentOrderIds") if row["status"] not in ENDED]


def assign(shop: Shop, order: Record, lines: list[Record], *, claim: bool, at: str | None = None) -> list[Record]:
    """Make fulfilment orders for the unfulfilled units of lines, one per location; `claim`: commit their stock."""
    groups: dict[int | None, list[tuple[Record, int]]] = {}
    for line in lines:
        count = line["quantity"] - line.get("fulfilled", 0)
        place = location_for(shop, line.get("variantId"), count)
        groups.setdefault(place, []).append((line, count))
    made = []
    for place, rows in groups.items():
        record = new_fulfillment_order(shop, order, place, at)
        record["lines"] = [_line(shop, line, count, claim=claim) for line, count in rows]
        made.append(shop.put("FulfillmentOrder", record))
        if claim:
            for line, count in rows:
                move(shop, order, line.get("variantId"), place, available=-count, committed=count)
    return made


def new_fulfillment_order(shop: Shop, order: Record, location_id: int | None, at: str | None = None) -> Record:
    """An open one without lines, listed by its order. `fulfillAt` is the begun hour, as recorded."""
    now = at or shop.now_iso()
    record: Record = {
        "id": shop.next_id("FulfillmentOrder"),
        "orderId": order["id"],
        "status": "OPEN",
        "requestStatus": "UNSUBMITTED",
        "locationId": location_id,
        "createdAt": now,
        "updatedAt": now,
        "fulfillAt": f"{now[:13]}:00:00Z",
        "lines": [],
    }
    order.setdefault("fulfillmentOrderIds", []).append(record["id"])
    return record


def _line(shop: Shop, line: Record, count: int, *, claim: bool) -> Record:
    row: Record = {
        "id": shop.next_id("FulfillmentOrderLineItem"),
        "lineId": line["id"],
        "total": count,
        "remaining": count,
    }
    if claim:
        row["claimed"] = True
    return row


def stamp(shop: Shop, record: Record) -> Record:
    record["updatedAt"] = shop.now_iso()
    return shop.put("FulfillmentOrder", record)


def fulfill(shop: Shop, order: Record, wanted: list[tuple[Record, Record, int]], **given: Any) -> Record:
    """Fulfil units: (fulfilment order, its line, count) each; returns the fulfilment. The caller saves the order."""
    now = given.pop("at", None) or shop.now_iso()
    first = wanted[0][0]
    record: Record = {
        "id": shop.next_id("Fulfillment"),
        "orderId": order["id"],
        "name": f"{order['name']}-F{len(order.get('fulfillmentIds') or ()) + 1}",
        "status": "SUCCESS",
        "displayStatus": "FULFILLED",
        "locationId": first["locationId"],
        "createdAt": now,
        "updatedAt": now,
        "tracking": [],
        "fulfillmentOrderIds": list(dict.fromkeys(row["id"] for row, _, _ in wanted)),
        "lines": [],
    }
    record.update(given)
    for owner, row, count in wanted:
        line = line_of(order, row["lineId"])
        assert line is not None
        row["remaining"] -= count
        line["fulfilled"] = line.get("fulfilled", 0) + count
        record["lines"].append(
            {
                "id": shop.next_id("FulfillmentLineItem"),
                "lineId": line["id"],
                "quantity": count,
                "fulfillmentOrderId": owner["id"],
                **({"claimed": True} if row.get("claimed") else {}),
            }
        )
        if row.get("claimed"):
            move(shop, order, line.get("variantId"), owner["locationId"], committed=-count)
    for owner in {owner["id"]: owner for owner, _, _ in wanted}.values():
        close_if_done(owner)
        owner["updatedAt"] = now
        shop.put("FulfillmentOrder", owner)
    order.setdefault("fulfillmentIds", []).append(record["id"])
    return shop.put("Fulfillment", record)


def close_if_done(record: Record) -> None:
    """A fulfilment order with nothing left is closed."""
    if not any(row["remaining"] for row in record["lines"]):
        record["status"] = "CLOSED"


def unfulfill(shop: Shop, order: Record, fulfillment: Record) -> None:
    """Cancel a fulfilment: its units wait again, in the fulfilment order if that is open, else in a new one."""
    now = shop.now_iso()
    fulfillment.update(status="CANCELLED", displayStatus="CANCELED", updatedAt=now)
    shop.put("Fulfillment", fulfillment)
    fresh: dict[int | None, Record] = {}
    for part in fulfillment["lines"]:
        line, count = line_of(order, part["lineId"]), part["quantity"]
        owner = shop.table("FulfillmentOrder")[part["fulfillmentOrderId"]]
        assert line is not None
        line["fulfilled"] = line.get("fulfilled", 0) - count
        claimed = bool(part.get("claimed"))
        row = next(row for row in owner["lines"] if row["lineId"] == line["id"])
        row["remaining"] += count
        if owner["status"] == "CLOSED":  # recorded: it stays closed, with the units in it
            place = owner["locationId"]
            if place not in fresh:
                fresh[place] = new_fulfillment_order(shop, order, place)
            fresh[place]["lines"].append(_line(shop, line, count, claim=claimed))
        stamp(shop, owner)
        if claimed:
            move(shop, order, line.get("variantId"), owner["locationId"], committed=count)
    for record in fresh.values():
        shop.put("FulfillmentOrder", record)


def release(shop: Shop, order: Record, line: Record, count: int, *, restock: bool) -> int | None:
    """Take unfulfilled units of a line out of the open fulfilment orders; returns the last location they were at.

    `restock`: committed stock becomes available again; without it the units are gone.
    """
    place = None
    for record in open_orders(shop, order):
        for row in [row for row in record["lines"] if row["lineId"] == line["id"] and row["remaining"]]:
            taken = min(count, row["remaining"])
            if not taken:
                continue
            row["remaining"] -= taken
            row["total"] -= taken
            count -= taken
            place = record["locationId"]
            if row.get("claimed"):
                move(shop, order, line.get("variantId"), place, committed=-taken, available=taken if restock else 0)
            close_if_done(record)
            stamp(shop, record)
    return place


def extend(shop: Shop, order: Record, line: Record, count: int) -> None:
    """Add units of a line to the open fulfilment order that has it, or to a new one."""
    for record in open_orders(shop, order):
        for row in record["lines"]:
            if row["lineId"] == line["id"]:
                row["total"] += count
                row["remaining"] += count
                if row.get("claimed"):
                    place = record["locationId"]
                    move(shop, order, line.get("variantId"), place, available=-count, committed=count)
                stamp(shop, record)
                return
    record = new_fulfillment_order(shop, order, location_for(shop, line.get("variantId"), count))
    record["lines"] = [_line(shop, line, count, claim=False)]
    shop.put("FulfillmentOrder", record)


def close_all(shop: Shop, order: Record, *, restock: bool) -> None:
    """Close what is open because the order is cancelled; the units stay in it (fulfillment-create-preconditions)."""
    for record in open_orders(shop, order):
        for row in record["lines"]:
            count = row["remaining"]
            line = line_of(order, row["lineId"])
            if row.pop("claimed", False) and count and line is not None:
                available = count if restock else 0
                move(shop, order, line.get("variantId"), record["locationId"], committed=-count, available=available)
        record["status"] = "CLOSED"
        stamp(shop, record)


def tracking(given: dict[str, Any] | None) -> list[Record]:
    """The rows of a tracking input: one number, or several with their URLs (fulfillment-multi-tracking-info)."""
    if not given:
        return []
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    rows = []
    for place in range(max(len(numbers), len(urls), 1 if given.get("company") else 0)):
        row = {
            "company": given.get("company"),
            "number": numbers[place] if place < len(numbers) else None,
            "url": urls[place] if place < len(urls) else None,
        }
        rows.append(row)
    return rows
