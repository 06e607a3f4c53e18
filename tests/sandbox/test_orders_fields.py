"""Every field of every order type can be read from seeded orders, in the shapes that the schema promises."""

from __future__ import annotations

from functools import cache
from typing import Any

import graphql
import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox import resources
from shopify_sync.sandbox.execute import execute
from shopify_sync.sandbox.merchant import edit
from shopify_sync.sandbox.order_seed import seed_orders
from shopify_sync.sandbox.order_trade import trade
from shopify_sync.sandbox.plan import make_plan
from shopify_sync.sandbox.registry import Context
from shopify_sync.sandbox.resources.order_edits import calculated
from shopify_sync.sandbox.schema import schema
from shopify_sync.sandbox.scopes import ALL_SCOPES
from shopify_sync.sandbox.seed import seed
from shopify_sync.sandbox.state import Shop
from shopify_sync.sandbox.validate import parse, validate
from tests.sandbox.order_front import Orders

resources.load()
assert callable(trade)  # its import teaches `edit` market days
# Types of other resources; what is read of them is theirs to test.
OTHERS = frozenset(
    ("Customer", "Product", "ProductVariant", "Location", "Metafield", "MailingAddress", "Image", "App", "Event")
)
DEPTH = 4


@cache
def shop() -> Shop:
    """Seeded orders, and a market day with them."""
    made = Shop(clock=ManualClock())
    seed(made, 20, 2)
    seed_orders(made, 150, 2)
    edit(made, {"trade": {"acts": 300, "seed": 2, "every_s": 60}})
    return made


def everything(kind: Any, above: tuple[str, ...] = ()) -> str:
    """A selection of all fields of a type, with the objects below it, but no type inside of itself."""
    parts = []
    inside = (*above, kind.name)
    for name, field in kind.fields.items():
        below: Any = graphql.get_named_type(field.type)
        if any(graphql.is_required_argument(argument) for argument in field.args.values()):
            continue
        if graphql.is_leaf_type(below):
            parts.append(name)
            continue
        if below.name.endswith("Connection"):
            below = graphql.get_named_type(below.fields["nodes"].type)
            if below.name not in OTHERS and below.name not in inside and len(above) < DEPTH:
                parts.append(f"{name}(first: 5) {{ nodes {selection(below, inside)} }}")
        elif below.name not in OTHERS and below.name not in inside and len(above) < DEPTH:
            parts.append(f"{name} {selection(below, inside)}")
    return " ".join(parts)


def selection(kind: Any, inside: tuple[str, ...]) -> str:
    """In braces; behind an interface only leaves, as types may differ in what a field may be."""
    if not graphql.is_abstract_type(kind):
        return f"{{ __typename {everything(kind, inside)} }}"
    parts = [f"... on {each.name} {{ {_leaves(each)} }}" for each in schema().get_possible_types(kind)]
    return "{ __typename " + " ".join(parts) + " }"


def _leaves(kind: Any) -> str:
    names = [name for name, field in kind.fields.items() if graphql.is_leaf_type(graphql.get_named_type(field.type))]
    return " ".join(f"{kind.name}_{name}: {name}" for name in names)


ROOTS = {
    "order": "Order",
    "fulfillmentOrder": "FulfillmentOrder",
    "fulfillment": "Fulfillment",
    "refund": "Refund",
    "return": "Return",
}


@pytest.mark.parametrize("root", ROOTS)
def test_every_field_can_be_read(root: str) -> None:
    kind = ROOTS[root]
    text = f"query($id: ID!) {{ {root}(id: $id) {{ {everything(schema().type_map[kind])} }} }}"
    document, wrong = parse(text)
    assert document is not None
    assert wrong == validate(document) == []
    operation = document.definitions[0]
    assert isinstance(operation, graphql.OperationDefinitionNode)
    numbers = list(shop().table(kind))
    for number in numbers[:: max(1, len(numbers) // 60)]:
        variables = {"id": shop().gid(kind, number)}
        context = Context(shop=shop(), scopes=frozenset(ALL_SCOPES))
        data, errors = execute(make_plan(operation, {}, variables), context, variables)
        assert errors == []
        assert data is not None
        assert data[root] is not None


def test_every_field_of_an_edit_can_be_read() -> None:
    front = Orders.stocked()
    gid = front.place(lines=[{"variant": "S", "quantity": 3, "taxRate": "0.1"}])
    front.act(gid, fulfill={"S": 1})
    text = f"""mutation($id: ID!) {{ orderEditBegin(id: $id) {{
      calculatedOrder {{ {everything(schema().type_map["CalculatedOrder"])} }} userErrors {{ message }} }} }}"""
    found = front.data(text, id=gid)["calculatedOrder"]
    line = found["lineItems"]["nodes"][0]
    assert (line["editableQuantity"], line["quantity"]) == (2, 3)
    money = [line[key]["shopMoney"]["amount"] for key in ("editableSubtotalSet", "uneditableSubtotalSet")]
    assert money == ["20.0", "10.0"]
    session = next(iter(front.shop.table("CalculatedOrder").values()))
    assert calculated(Context(shop=front.shop), session)["addedLines"] == []
