"""Replays the recordings of orders: reads as well as mutations, with the costs, against orders put there as recorded.

What the recordings' own steps make is matched position by position, as for products; what was there before is seeded
from their upstream reads. Order names (`#1797`) are matched like ids.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import graphql

from shopify_sync.sandbox.registry import MUTATIONS, Context
from shopify_sync.sandbox.resources.amounts import Currencies
from shopify_sync.sandbox.resources.fulfillment_model import assign
from shopify_sync.sandbox.resources.order_input import bag_of
from shopify_sync.sandbox.resources.order_model import add_transaction, new_order, save
from shopify_sync.sandbox.resources.product_model import ensure_variant, new_product
from shopify_sync.sandbox.schema import schema
from shopify_sync.sandbox.state import Record
from tests.sandbox.capture_replay import Replay
from tests.sandbox.capture_steps import Json, NotKept, Step, _rebuilt, _selection, steps

_NAME = re.compile(r"#\d{3,}\b")
_NUMBER = re.compile(r"\d{9,}")
_CLEANING = {"capturedAt", "storeDomain", "apiVersion", "cleanup"}  # recordings that only clean up after others
_TIMES = ("closedAt", "cancelledAt", "processedAt", "fulfillAt", "requestApprovedAt")


class OrderReplay(Replay):
    """One recording of orders being replayed against one shop."""

    def __init__(self, recording: Json, store: str) -> None:
        super().__init__(recording, store)
        self.shop.currency = "CAD" if store == "harry-test-heelo" else "USD"
        self.cut: frozenset[str] = frozenset()  # keys of the step's document that the sandbox does not serve
        self.costs: tuple[int | None, int | None] = (None, None)  # requested by the last step: recorded, ours

    def play(self, step: Step) -> str | None:
        """What differs between the recorded answer and the sandbox's, None when nothing does."""
        full = completed(step, self.recording)
        try:
            document, variables, lacking = request(full)
        except NotKept as missing:
            return str(missing)
        document, cut = served(document) if full.answer.get("data") else (document, set())
        self.cut = frozenset(cut)
        self.lacking.update(lacking, cut)
        return super().play(Step(full.where, document, variables, full.answer))

    def translated(self, value: Any) -> Any:
        value = super().translated(value)
        if isinstance(value, str):
            value = _NAME.sub(lambda match: self.ids.get(match[0], match[0]), value)
            value = _NUMBER.sub(lambda match: self.ids.get(match[0], match[0]), value) if " " in value else value
        return value

    def compare(self, recorded: Any, replayed: Any, at: str, *, prune: bool) -> str | None:
        if not at:
            theirs, ours = (body.get("extensions", {}).get("cost", {}) for body in (recorded, replayed))
            self.costs = theirs.get("requestedQueryCost"), ours.get("requestedQueryCost")
        if at.endswith(".assignedLocation"):  # where the recorded store's routing sent it
            return None
        return super().compare(recorded, replayed, at, prune=prune)

    def _compare_objects(self, recorded: Json, replayed: Json, at: str, prune: bool) -> str | None:
        if self.cut:
            recorded = {key: value for key, value in recorded.items() if key in replayed or key not in self.cut}
        return super()._compare_objects(recorded, replayed, at, prune)

    def _compare_leaves(self, recorded: Any, replayed: Any, at: str) -> str | None:
        key = at.rpartition(".")[2]
        if key in _TIMES and (recorded is None) == (replayed is None):
            return None
        if key == "message" and ".events." in at:  # begins with the name of the app
            recorded, replayed = (text.partition(" edited ")[2] for text in (recorded, replayed))
        if isinstance(recorded, str) and isinstance(replayed, str):
            theirs, ours = _NAME.match(recorded), _NAME.match(replayed)
            if theirs and ours and theirs[0] not in self.ids:
                self.ids[theirs[0]] = ours[0]
            if recorded.startswith("gid:") and recorded not in self.ids and replayed.startswith("gid:"):
                self.ids.setdefault(recorded.rpartition("/")[2], replayed.rpartition("/")[2])
        return super()._compare_leaves(recorded, replayed, at)

    # -- state that was there before

    def seed(self, gid: str) -> None:
        kind = gid.split("/")[3]
        if gid in self.ids:
            return
        if kind == "ProductVariant":
            self._seed_one_variant(gid)
        elif kind == "Product":
            if any("product" in one and (one["product"] or {}).get("id") == gid for one in _walk(self.recording)):
                self.ids[gid] = self._product({"title": "Seeded"}, {})[0]
        elif kind == "Customer":
            self._seed_customer(gid)
        elif kind == "Order":
            seen = self._before(gid)
            if not seen and set(self.recording) == _CLEANING:
                seen = {"displayFinancialStatus": None}
            if seen:
                self._seed_order(gid, seen)
        elif kind == "Fulfillment":
            self._seed_owner(gid)
        else:
            super().seed(gid)

    def _before(self, gid: str) -> Json:
        """What upstream reads say of an object; nothing when the recording itself made it."""
        for step in steps(self.recording):
            if _makes(step, gid):
                return {}
        found: Json = {}
        for one in _objects(self.recording.get("upstreamCalls"), gid):
            found = {**one, **found}
        return found if len(found) > 1 else {}

    def _seed_one_variant(self, gid: str) -> None:
        """As upstream reads show it; or a plain one, when some line item turns out to have it."""
        seen = self._before(gid)
        if seen.get("price"):
            values = {key: seen[key] for key in ("price", "sku", "taxable")}
            self.ids[gid] = self._product(seen["product"], values, seen["inventoryItem"])[1]
        else:
            lines = [one for one in _walk(self.recording) if (one.get("variant") or {}).get("id") == gid]
            if lines:
                title = str(lines[0].get("title") or "Seeded")
                price = (lines[0].get("originalUnitPriceSet") or {}).get("shopMoney", {}).get("amount", "1.00")
                self.ids[gid] = self._product({"title": title}, {"price": price})[1]

    def _product(self, seen: Json, values: Json, item: Json | None = None) -> tuple[str, str]:
        """Put a product with one variant into the shop; returns both gids."""
        draft = new_product(self.shop)
        draft.product.update(title=seen["title"], handle=f"seeded-{draft.product['id']}")
        ensure_variant(draft)
        variant = draft.ordered()[0]
        variant.update(values)
        draft.item_of(variant).update(item or {})
        draft.commit()
        return draft.gid, self.shop.gid("ProductVariant", variant["id"])

    def _seed_customer(self, gid: str) -> None:
        """As the recording shows it, where customers are served."""
        create = MUTATIONS.get("customerCreate")
        found = [one for one in _objects(self.recording, gid) if one.get("email")]
        if create is None or not found:
            return
        first, _, last = str(found[0].get("displayName") or "").rpartition(" ")
        given = {"email": found[0]["email"], "firstName": first or None, "lastName": last or None}
        made = create(Context(shop=self.shop, mutating=True), {"input": given})["customer"]
        if made is not None:
            self.ids[gid] = self.shop.gid("Customer", made["id"])

    def _seed_owner(self, gid: str) -> None:
        """The order around a fulfilment that the recording shows upstream."""
        seen = self._before(gid)
        if seen.get("order"):
            self._seed_order(seen["order"]["id"], seen["order"])

    def _seed_order(self, gid: str, seen: Json) -> None:
        money = _currencies(seen)
        order = new_order(self.shop, currency=money.shop, presentment=money.presentment)
        self.ids[gid] = self.shop.gid("Order", order["id"])
        if seen.get("name"):
            self.ids[seen["name"]] = order["name"]
        for key in ("email", "note", "tags", "closedAt"):
            if seen.get(key) is not None:
                order[key] = seen[key]
        if seen.get("closedAt"):
            order["updatedAt"] = seen["closedAt"]
        rows = _nodes(seen.get("lineItems")) or [{"title": "Seeded", "quantity": 1}]
        for row in rows:
            line = self._seed_line(order, row, seen, money)
            if "id" in row:
                self.ids[row["id"]] = self.shop.gid("LineItem", line["id"])
        if seen.get("customer"):
            self.seed(seen["customer"]["id"])
            mapped = self.ids.get(seen["customer"]["id"])
            order["customerId"] = int(mapped.rpartition("/")[2]) if mapped else None
        for row in _nodes(seen.get("shippingLines")):
            price = money.text(bag_of(row["originalPriceSet"], money))
            number = self.shop.next_id("ShippingLine")
            fresh = {"id": number, "orderId": order["id"], "title": "Shipping", "price": price}
            order.setdefault("shipping", []).append(fresh)
        for row in seen.get("transactions") or []:
            amount = bag_of(row["amountSet"], money)
            made = add_transaction(self.shop, order, row["kind"], amount, gateway=row["gateway"], status=row["status"])
            if "id" in row:
                self.ids[row["id"]] = self.shop.gid("OrderTransaction", made["id"])
        save(self.shop, order, touch=False)
        assign(self.shop, order, order["lines"], claim=False)
        save(self.shop, order, touch=False, financial=seen.get("displayFinancialStatus") is not None)

    def _seed_line(self, order: Record, row: Json, seen: Json, money: Currencies) -> Record:
        price = row.get("originalUnitPriceSet") or seen.get("currentTotalPriceSet") or seen.get("totalPriceSet")
        variant = (row.get("variant") or {}).get("id")
        if variant:
            self.seed(variant)
        number = self.ids.get(variant or "", "").rpartition("/")[2]
        line: Record = {
            "id": self.shop.next_id("LineItem"),
            "orderId": order["id"],
            "title": row.get("title"),
            "sku": row.get("sku"),
            "quantity": row["quantity"],
            "requiresShipping": True,
            "variantId": int(number) if number else None,
            "price": money.text(bag_of(price, money)) if price else "1.00",
        }
        order["lines"].append(line)
        return line


def _currencies(seen: Json) -> Currencies:
    for value in _walk(seen):
        if "shopMoney" in value:
            shop = value["shopMoney"]["currencyCode"]
            other = value.get("presentmentMoney") or value["shopMoney"]
            return Currencies(shop, other["currencyCode"], Decimal(1))
    return Currencies("CAD", "CAD")


def _walk(value: Any) -> Any:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)


def _objects(value: Any, gid: str) -> list[Json]:
    return [one for one in _walk(value) if one.get("id") == gid and len(one) > 1]


def _nodes(connection: Any) -> list[Json]:
    return list((connection or {}).get("nodes") or [])


def _makes(step: Step, gid: str) -> bool:
    """Whether this step's answer is where the object comes from."""
    if step.where.startswith("upstreamCalls"):
        return False
    payload = (step.answer.get("data") or {}).get("orderCreate") or {}
    return ((payload.get("order") or {}).get("id")) == gid


# -- requests


def served(document: str) -> tuple[str, set[str]]:
    """The document without the fields that the sandbox does not serve, and the keys that these have in the answer.

    A document whose root is not served stays as it is.
    """
    try:
        parsed = graphql.parse(document)
    except graphql.GraphQLSyntaxError:
        return document, set()
    info = graphql.TypeInfo(schema())
    cut: set[str] = set()

    class Cut(graphql.Visitor):
        def enter_field(self, node: graphql.FieldNode, *_: Any) -> Any:
            parent = info.get_parent_type()
            roots = (schema().query_type, schema().mutation_type)
            if parent is not None and parent not in roots and info.get_field_def() is None:
                cut.add(node.alias.value if node.alias else node.name.value)
                return graphql.REMOVE
            return None

    changed = graphql.visit(parsed, graphql.TypeInfoVisitor(info, Cut()))
    return (graphql.print_ast(changed), cut) if cut else (document, cut)


def completed(step: Step, recording: Json) -> Step:
    """A step with the document and variables that stand at the top of the recording, where it has none of its own."""
    if step.where not in ("", "mutation") or step.variables is not None:
        return step
    variables = recording.get("variables")
    document = next((recording[key] for key in ("document", "query") if isinstance(recording.get(key), str)), None)
    return Step(step.where, step.document or document, variables if isinstance(variables, dict) else {}, step.answer)


def request(step: Step) -> tuple[str, Json, list[str]]:
    """(document, variables, fields that the served schema lacks); a document that was not kept is rebuilt.

    Raises NotKept.
    """
    if step.document is not None:
        return step.request()
    roots = list(step.answer.get("data") or {})
    if step.variables is None or len(roots) != 1:
        raise NotKept("neither document nor variables were kept")
    mutation, query = schema().mutation_type, schema().query_type
    assert mutation is not None and query is not None
    if roots[0] in mutation.fields:
        return _keyed(*_rebuilt(roots[0], step.variables, step.answer))
    if roots[0] not in query.fields:
        raise NotKept(f"the sandbox does not serve {roots[0]}, and the document was not kept")
    field = query.fields[roots[0]]
    if any(name not in field.args for name in step.variables):
        raise NotKept("the variables are no arguments of the field, the document was not kept")
    lacking: list[str] = []
    payload = (step.answer["data"] or {})[roots[0]]
    selection = _selection(graphql.get_named_type(field.type), [payload], lacking)
    head = ", ".join(f"${name}: {field.args[name].type}" for name in step.variables)
    call = ", ".join(f"{name}: ${name}" for name in step.variables)
    if not call:
        raise NotKept("the arguments stood in the document, which was not kept")
    return f"query({head}) {{ {roots[0]}({call}) {selection} }}", step.variables, lacking


def _keyed(document: str, variables: Json, lacking: list[str]) -> tuple[str, Json, list[str]]:
    """Since 2026-04 a refund needs a key, which the recordings' documents had and which was not kept."""
    return (
        document.replace(" refundCreate(input: $input)", ' refundCreate(input: $input) @idempotent(key: "k")'),
        variables,
        lacking,
    )


def played_order(recording: Json) -> list[Step]:
    """The steps in the order in which they were recorded: what sets a case up stands inside of it, and came first."""
    rows = [step for step in steps(recording) if not step.where.startswith(("upstreamCalls", "expected."))]
    placed: list[Step] = []
    for step in rows:
        if step in placed:
            continue
        placed += [each for each in rows if each.where.startswith(f"{step.where}.setup") and each not in placed]
        placed.append(step)
    return placed
