"""The arithmetic of orders: whatever is sold, taxed, discounted, refunded or edited, the header equals its parts."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.resources.amounts import (
    ZERO,
    Bag,
    Currencies,
    market_rate,
    parse,
    rounded,
    split,
    total_of,
    unit,
)
from shopify_sync.sandbox.resources.draft import copied
from shopify_sync.sandbox.resources.fulfillment_model import assign
from shopify_sync.sandbox.resources.order_input import allocate, application
from shopify_sync.sandbox.resources.order_model import add_transaction, new_order, save
from shopify_sync.sandbox.resources.order_money import (
    allocated,
    currencies_of,
    current_quantity,
    in_presentment,
    net_of_units,
    net_total,
    tax_of_units,
    tax_on,
    tax_rows,
    totals,
    uncaptured,
    unfulfilled_quantity,
)
from shopify_sync.sandbox.resources.refund_model import Wanted, everything, make_refund, returnable, shipping_left
from shopify_sync.sandbox.state import Record, Shop

CURRENCIES = ("USD", "JPY", "KWD", "EUR", "CLP")
some = st.integers


@st.composite
def pairs(draw: Any) -> Currencies:
    shop, other = draw(st.sampled_from(CURRENCIES)), draw(st.sampled_from(CURRENCIES))
    return Currencies(shop, other, market_rate(shop, other))


@st.composite
def orders(draw: Any) -> Record:
    """An order record with lines, discounts, taxes and shipping, in two currencies of any precision."""
    money = draw(pairs())
    order: Record = {"id": 1, "currency": money.shop, "presentment": money.presentment, "rate": str(money.rate)}
    order["taxesIncluded"] = draw(st.booleans())
    order["lines"] = []
    for place in range(draw(some(1, 5))):
        price = money.bag(unit(money.shop) * draw(some(0, 100_000)))
        line: Record = {"id": place + 1, "orderId": 1, "quantity": draw(some(1, 9)), "price": money.text(price)}
        order["lines"].append(line)
    shipping: list[Record] = []
    for place in range(draw(some(0, 2))):
        price = money.bag(unit(money.shop) * draw(some(0, 5_000)))
        shipping.append({"id": place + 90, "orderId": 1, "title": "Post", "price": money.text(price)})
    order["shipping"] = shipping
    rows: list[Record] = []
    order["discounts"] = rows
    for index in range(draw(some(0, 3))):
        whole = money.bag(unit(money.shop) * draw(some(0, 60_000)))
        chosen = draw(st.sampled_from(("cart", "lines", "shipping")))
        targets = {"cart": order["lines"], "lines": order["lines"][:1], "shipping": shipping}[chosen]
        rows.append(application("ManualDiscountApplication", {"amount": money.text(whole)}, **_KINDS[chosen]))
        allocate(order, index, whole, targets, money)
    for line in order["lines"]:
        for title, rate in draw(st.sets(st.sampled_from(_RATES), max_size=2)):
            amount = tax_on(net_total(line), Decimal(rate), money, included=order["taxesIncluded"])
            line.setdefault("taxes", []).append({"title": title, "rate": float(rate), "amount": money.text(amount)})
    for line in shipping:
        net = parse(line["price"]) - allocated(line)
        amount = tax_on(net, Decimal("0.07"), money, included=order["taxesIncluded"])
        line["taxes"] = [{"title": "VAT", "rate": 0.07, "amount": money.text(amount)}]
    return order


_KINDS = {
    "cart": {"title": "All"},
    "lines": {"title": "Some", "targetSelection": "EXPLICIT"},
    "shipping": {"title": "Post", "targetType": "SHIPPING_LINE"},
}
_RATES = (("VAT", "0.19"), ("VAT", "0.07"), ("City", "0.00875"))


def whole_units(amount: Bag, money: Currencies) -> bool:
    return rounded(amount.shop, money.shop) == amount.shop and rounded(amount.presentment, money.presentment) == (
        amount.presentment
    )


# -- splitting


@given(some(0, 10**7), st.lists(some(0, 10**6), min_size=1, max_size=30), st.sampled_from(CURRENCIES))
def test_a_split_adds_up_and_no_part_exceeds_its_weight(whole: int, weights: list[int], currency: str) -> None:
    one = unit(currency)
    amount = one * min(whole, sum(weights))
    parts = split(amount, [one * weight for weight in weights], currency)
    assert sum(parts, Decimal(0)) == amount
    assert all(0 <= part <= one * weight for part, weight in zip(parts, weights, strict=True))
    assert all(rounded(part, currency) == part for part in parts)


def test_a_split_over_nothing_goes_to_the_first() -> None:
    assert split(Decimal("1.00"), [Decimal(0), Decimal(0)], "USD") == [Decimal("1.00"), Decimal(0)]


@given(pairs(), some(0, 10**6), some(1, 40))
def test_shares_grow_and_end_at_the_whole(money: Currencies, amount: int, count: int) -> None:
    whole = money.bag(unit(money.shop) * amount)
    shares = [money.share(whole, part, count) for part in range(count + 1)]
    assert shares[0] == ZERO
    assert shares[-1] == whole
    assert all(a.shop <= b.shop and a.presentment <= b.presentment for a, b in pairwise(shares))


@pytest.mark.parametrize(("currency", "text"), [("USD", "12.35"), ("JPY", "12"), ("KWD", "12.345")])
def test_each_currency_has_its_own_smallest_unit(currency: str, text: str) -> None:
    money = Currencies(currency, currency)
    assert money.text(money.bag(Decimal("12.345"))) == text


def test_two_currencies_of_different_precision_stand_side_by_side() -> None:
    money = Currencies("KWD", "JPY", Decimal("493"))
    assert money.text(money.bag(Decimal("1.5"))) == "1.500|740"
    assert parse("1.500|740") == Bag(Decimal("1.500"), Decimal(740))


# -- whole orders


@given(orders())
def test_totals_are_the_sums_of_their_parts(order: Record) -> None:
    money, sums = currencies_of(order), totals(order)
    lines, shipping = order["lines"], order["shipping"]
    nets = sum((net_total(line) for line in lines), ZERO)
    posts = sum((parse(line["price"]) - allocated(line) for line in shipping), ZERO)
    taxes = sum((total_of(line.get("taxes") or ()) for line in [*lines, *shipping]), ZERO)
    assert sums.subtotal_price == nets
    assert sums.total_tax == taxes
    assert sums.total_discounts == sum((allocated(line) for line in [*lines, *shipping]), ZERO)
    assert sums.total_price == nets + posts + (ZERO if order["taxesIncluded"] else taxes)
    assert sums.current_total_price == sums.total_price == sums.total_outstanding
    assert all(amount.shop >= 0 and amount.presentment >= 0 for amount in (nets, posts, taxes))
    assert all(whole_units(parse(text), money) for text in sums.texts(money).values())


@given(orders(), st.data())
def test_units_that_leave_take_their_part_of_everything(order: Record, data: st.DataObject) -> None:
    """In any order, one by one: at the end nothing is left, and each step is a whole number of smallest units."""
    money = currencies_of(order)
    whole = totals(order)
    gone = ZERO
    units = [line for line in order["lines"] for _ in range(line["quantity"])]
    for line in data.draw(st.permutations(units)):
        here = current_quantity(line)
        net = net_of_units(line, here, money) - net_of_units(line, here - 1, money)
        tax = tax_of_units(line, here, money) - tax_of_units(line, here - 1, money)
        line["cancelled"] = line.get("cancelled", 0) + 1
        gone += net if order["taxesIncluded"] else net + tax
        sums = totals(order)
        assert sums.current_total_price + gone == whole.total_price
        assert whole_units(sums.current_total_price, money)
        assert total_of(tax_rows(order, current=True)) == sums.current_total_tax
    assert sums.current_subtotal_price == ZERO
    assert (sums.total_price, sums.total_tax) == (whole.total_price, whole.total_tax)


@given(orders())
def test_tax_lines_of_the_order_add_up_to_its_tax(order: Record) -> None:
    rows = tax_rows(order, current=False)
    assert total_of(rows) == totals(order).total_tax
    assert len({(row["title"], row["rate"]) for row in rows}) == len(rows)


# -- payments and refunds, on a shop


def _stored(order: Record) -> tuple[Shop, Record]:
    shop = Shop(clock=ManualClock())
    fresh = new_order(shop, **{key: value for key, value in order.items() if key != "id"})
    for line in [*fresh["lines"], *fresh["shipping"]]:
        line["orderId"] = fresh["id"]
        line.setdefault("title", "Thing")
    assign(shop, fresh, fresh["lines"], claim=False)
    return shop, save(shop, fresh)


def _paid(shop: Shop, order: Record, parts: int) -> None:
    """Pay the order in several payments."""
    rest = parse(order["totals"]["total_price"])
    money = currencies_of(order)
    for part in money.split(rest, [money.bag(unit(money.shop))] * parts):
        if part:
            add_transaction(shop, order, "SALE", part)
    save(shop, order)


@settings(deadline=None, max_examples=60)
@given(orders(), some(1, 3))
def test_a_full_refund_empties_both_currencies(order: Record, parts: int) -> None:
    shop, kept = _stored(order)
    _paid(shop, kept, parts)
    assert kept["financial"] == "PAID"
    refund = make_refund(shop, kept, everything(kept, "CANCEL"))
    save(shop, kept)
    sums = totals(kept)
    assert sums.net_payment == sums.current_total_price == sums.total_outstanding == ZERO
    assert sums.total_refunded == sums.total_price
    assert refund["adjustments"] == []
    assert kept["financial"] == ("REFUNDED" if sums.total_price.shop else "PAID")


@settings(deadline=None, max_examples=80)
@given(orders(), st.data())
def test_refunds_settle_themselves(order: Record, data: st.DataObject) -> None:
    """Whatever units and money a refund takes, what is outstanding stays, and adjustments hold the difference."""
    shop, kept = _stored(order)
    _paid(shop, kept, data.draw(some(1, 2)))
    money = currencies_of(kept)
    for _ in range(data.draw(some(1, 4))):
        before = totals(kept)
        wanted = Wanted()
        for line in kept["lines"]:
            kind = data.draw(st.sampled_from(("CANCEL", "NO_RESTOCK")))
            limit = unfulfilled_quantity(line) if kind == "CANCEL" else current_quantity(line)
            count = data.draw(some(0, min(limit, current_quantity(line))))
            if count:
                wanted.lines.append((line["id"], count, kind, None))
        for row in kept["shipping"]:
            left = shipping_left(row)
            if left and data.draw(st.booleans()):
                wanted.shipping[row["id"]] = left
        rows = kept.get("transactions") or []
        for row in [row for row in rows if row["kind"] == "SALE"]:
            used = sum((parse(each["amount"]) for each in rows if each.get("parentId") == row["id"]), ZERO)
            rest = parse(row["amount"]).presentment - used.presentment
            amount = rest * data.draw(some(0, 10)) / 10
            part = in_presentment(row, used, amount, money)
            if part.presentment:
                wanted.payments.append((row, part))
        refund = make_refund(shop, kept, wanted)
        save(shop, kept)
        after = totals(kept)
        assert after.total_outstanding == before.total_outstanding == ZERO
        assert after.refund_discrepancy - before.refund_discrepancy == total_of(refund["adjustments"])
        assert after.net_payment.shop >= 0 and after.net_payment.presentment >= 0
        assert all(whole_units(parse(text), money) for text in after.texts(money).values())
        assert kept["totals"] == after.texts(money)


@given(pairs(), some(1, 10**6), st.lists(some(1, 100), min_size=1, max_size=6))
def test_parts_of_a_payment_use_up_both_currencies(money: Currencies, amount: int, weights: list[int]) -> None:
    payment = {"amount": money.text(money.bag(unit(money.shop) * amount))}
    whole = parse(payment["amount"])
    parts = split(whole.presentment, [Decimal(weight) for weight in weights], money.presentment)
    used = ZERO
    for part in parts:
        used += in_presentment(payment, used, part, money)
    assert used.presentment == whole.presentment
    assert used.shop == whole.shop or not whole.presentment


def test_an_authorization_is_captured_in_parts_and_lapses() -> None:
    rows: list[Record] = [
        {"id": 1, "kind": "AUTHORIZATION", "status": "SUCCESS", "amount": "10.00"},
        {"id": 2, "kind": "CAPTURE", "status": "SUCCESS", "amount": "4.00", "parentId": 1},
        {"id": 3, "kind": "CAPTURE", "status": "FAILURE", "amount": "6.00", "parentId": 1},
    ]
    assert uncaptured(rows[0], rows).shop == 6
    rows.append({"id": 4, "kind": "VOID", "status": "SUCCESS", "amount": "6.00", "parentId": 1})
    assert uncaptured(rows[0], rows) == ZERO


def test_units_that_are_not_fulfilled_leave_only_when_they_are_cancelled() -> None:
    """Recorded: refund-create-full-parity."""
    line: Record = {"id": 1, "orderId": 1, "quantity": 3, "price": "10.00", "fulfilled": 1}
    order: Record = {"id": 1, "currency": "USD", "presentment": "USD", "lines": [line], "shipping": []}
    shop, kept = _stored(order)
    wanted = Wanted(lines=[(1, 2, "NO_RESTOCK", None)])
    refund = make_refund(shop, kept, wanted)
    assert [row["subtotal"] for row in refund["lines"]] == ["10.00"]
    assert (current_quantity(kept["lines"][0]), returnable(kept["lines"][0])) == (2, 0)


def test_a_copy_of_an_order_is_its_own() -> None:
    line: Record = {"id": 1, "orderId": 1, "quantity": 3, "price": "10.00"}
    order = {"id": 1, "lines": [line]}
    copied(order)["lines"][0]["quantity"] = 1
    assert line["quantity"] == 3
