"""The sandbox answers recorded reads and mutations of orders as Shopify did: data, user errors and requested cost.

Every step of the recordings in `orders` is replayed, reads too, but for the reads that only set a recording up. Times,
the location that a store's routing chose, and the names of apps only have to be there. Fields that the sandbox does
not serve are cut out of a document; they stand in `CUT`. What can't be replayed, or is known to differ, stands in
`SKIPS` with its reason; an entry that has become unnecessary fails. Versions: 2025-01 to 2026-07.
"""

from __future__ import annotations

import importlib.util
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from shopify_sync.sandbox import resources
from tests.sandbox.capture_steps import read
from tests.sandbox.order_replay import OrderReplay, played_order
from tests.shared import CAPTURES, needs_captures

resources.load()
FILES = sorted((CAPTURES / "orders").glob("*.json"))
pytestmark = needs_captures
HAS_CUSTOMERS = importlib.util.find_spec("shopify_sync.sandbox.resources.customer_model") is not None

ADMIN = "returns that are processed or lose lines, and reverse logistics, are not served"
ALIASES = "the answer has aliases only, and the document was not kept: see test_orders_read"
CUSTOMERS = "customers are not served"
EDITS = "edits add variants and set quantities only: discounts, shipping lines and custom items are not served"
FABRICATED = "no recording: the sums do not add up and the cursors are words"
INTROSPECTION = "introspection shows input fields in an order of its own"
JOBS = "jobs of one run had one id; here each has its own"
MANUAL = "orderCreateManualPayment is not served"
NOT_KEPT = "the recording kept neither document nor all variables"
NOT_SEEN = "what the order was like before was not recorded"
OLD_NAME = "the deprecated name of the mutation is not served"
OTHERS = "a mutation of another resource"
SCOPES = "the scopes of the app that recorded"
SEEN_LATER = "the recording shows the order only as it was after the change"
STATIC = "an empty rate is refused by the type Decimal before the mutation sees it"

# (file, step, reason); `*` stands for any text.
SKIPS = [
    ("fulfillment-cancel-parity--2025-01--very-*", "*", SEEN_LATER),
    ("fulfillment-create-preconditions.json", "cases.*V2", OLD_NAME),
    ("fulfillment-multi-tracking-info.json", "*V2", OLD_NAME),
    ("order-catalog-count-read.json", "*", ALIASES),
    ("order-create-line-item-fields.json", "setup.productLookup", NOT_KEPT),
    ("order-create-line-item-fields.json", "cleanup", NOT_KEPT),
    ("order-create-validation-matrix-extended.json", "mutation", STATIC),
    ("order-edit-existing-order-validation.json", "*Variant", NOT_KEPT),
    ("order-edit-existing-order-zero-removal.json", "setZero", NOT_KEPT),
    ("order-edit-existing-order-zero-removal.json", "commitRemove", NOT_KEPT),
    ("order-edit-existing-order-zero-removal.json", "downstreamRead", NOT_KEPT),
    ("order-edit-line-discount-percent-value.json", "steps.*", EDITS),
    ("order-edit-money-math.json", "cases.discount.addLineItemDiscount", EDITS),
    ("order-edit-money-math.json", "cases.discount.commit", EDITS),
    ("order-edit-money-math.json", "cases.discount.downstreamRead", EDITS),
    ("order-edit-money-math.json", "cleanup.*", NOT_KEPT),
    ("order-edit-residual-calculated-edits.json", "steps.*", EDITS),
    ("order-management-cleanup.json", "cleanup.order:gid://shopify/Order/8733114532146", NOT_SEEN),
    ("order-management-cleanup.json", "cleanup.order:gid://shopify/Order/8733114466610", JOBS),
    ("order-management-cleanup.json", "cleanup.order:gid://shopify/Order/87331146*", JOBS),
    ("order-management-cleanup.json", "cleanup.customer:*", OTHERS),
    ("order-merchant-detail-read.json", "", FABRICATED),
    ("order-return-status-lifecycle.json", "mixedCase.processFirst", ADMIN),
    ("order-return-status-lifecycle.json", "mixedCase.readAfterProcess", ADMIN),
    ("order-return-status-lifecycle.json", "removedCase.removeFromReturn", ADMIN),
    ("order-return-status-lifecycle.json", "removedCase.readAfterRemove", ADMIN),
    ("orderCreateManualPayment-*", "mutation", MANUAL),
    ("orderCreateManualPayment-cold-success-parity.json", "downstreamRead", MANUAL),
    ("orderCreateManualPayment-warm-access-denied-parity.json", "capability", SCOPES),
    ("orderCustomerSet-and-Remove-error-paths-cleanup.json", "cleanup.order:*6992818", NOT_SEEN),
    ("orderCustomerSet-and-Remove-error-paths-cleanup.json", "cleanup.c*", OTHERS),
    ("orderCustomerSet-parity.json", "*", "orderCustomerSet is not served"),
    ("orderEdit-shipping-line-validation.json", "cases.*", EDITS),
    ("return-customer-note-recorded.json", "schema", INTROSPECTION),
    ("return-decline-request-validation.json", "schema", NOT_KEPT),
    ("return-reason-validation.json", "schema", INTROSPECTION),
    ("return-reason-validation.json", "setup.returnReasonDefinitions", "returnReasonDefinitions is not served"),
    ("return-reverse-logistics-dispose-validation.json", "locations", OTHERS),
    ("return-reverse-logistics-dispose-validation.json", "disposeValidation.*", ADMIN),
    ("return-reverse-logistics-dispose-validation.json", "downstreamRead", ADMIN),
    ("returnClose-Reopen-Cancel-state-preconditions.json", "locations", OTHERS),
    ("returnClose-Reopen-Cancel-state-preconditions.json", "*.removeFromReturn*Invalid", ADMIN),
    ("returnClose-Reopen-Cancel-state-preconditions.json", "*Case.removeFromReturn", ADMIN),
    ("returnClose-Reopen-Cancel-state-preconditions.json", "*Case.returnProcess*", ADMIN),
    ("returnClose-Reopen-Cancel-state-preconditions.json", "processedCase.returnCancelInvalid", ADMIN),
]
# These agree, or can be made to, once there are customers.
NEEDS_CUSTOMERS = [
    ("order-update-parity.json", "*", CUSTOMERS),
    ("orderUpdate-input-validation.json", "setup.*", CUSTOMERS),
    ("orderUpdate-input-validation.json", "downstreamRead", CUSTOMERS),
]
if not HAS_CUSTOMERS:
    SKIPS += NEEDS_CUSTOMERS

# Fields that were recorded, but are not served; `gift` is an alias of a metafield.
CUT = {
    "CalculatedOrder.shippingLines", "Order.gift", "merchantRequests", "returnReason", "returnShippingFees",
    "reverseFulfillmentOrders", "shippingLines", "supportedActions",
}  # fmt: skip
# A step of May 2026, before fulfillmentTrackingInfoUpdate had a price of its own.
OLD_PRICES = {("fulfillment-cancel-parity--2025-01--harry-test-heelo.json", "setup.fulfillmentTrackingInfoUpdate")}


class Result(NamedTuple):
    problems: dict[str, str | None]  # by step; None: the answers agree
    lacking: set[str]
    dear: dict[str, tuple[int | None, int | None]]  # requested costs that differ


@cache
def replayed(path: Path) -> Result:
    """Every step of one file, played in order against one shop."""
    recording = read(path)
    store = "very-big-test-store" if "very-big-test-store" in path.name else "harry-test-heelo"
    replay = OrderReplay(recording, str(recording.get("storeDomain") or store).partition(".")[0])
    problems: dict[str, str | None] = {}
    dear = {}
    for step in played_order(recording):
        wrong = problems[step.where] = replay.play(step)
        whole = step.document is not None and not replay.cut
        if wrong is None and whole and replay.costs[0] is not None and replay.costs[0] != replay.costs[1]:
            dear[step.where] = replay.costs
    return Result(problems, replay.lacking, dear)


def skip(file: str, where: str) -> int | None:
    """The position of the table's entry for a step."""
    for place, (file_pattern, where_pattern, _) in enumerate(SKIPS):
        if fnmatchcase(file, file_pattern) and fnmatchcase(where, where_pattern):
            return place
    return None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_answers_agree(path: Path) -> None:
    result = replayed(path)
    wrong = {where: why for where, why in result.problems.items() if why and skip(path.name, where) is None}
    assert wrong == {}
    dear = {where: pair for where, pair in result.dear.items() if (path.name, where) not in OLD_PRICES}
    assert dear == {}, "(recorded, ours)"
    assert result.lacking <= CUT


def test_every_entry_of_the_tables_is_used() -> None:
    used: set[int | None] = set()
    lacking: set[str] = set()
    for path in FILES:
        result = replayed(path)
        lacking |= result.lacking
        used |= {skip(path.name, where) for where, why in result.problems.items() if why}
    assert [SKIPS[place][:2] for place in range(len(SKIPS)) if place not in used] == []
    assert lacking == CUT


def test_most_steps_are_replayed() -> None:
    """Guards the harness: a change that finds fewer steps would make all other tests pass."""
    problems = [(path.name, where) for path in FILES for where in replayed(path).problems]
    assert len(problems) >= 340
    assert sum(skip(file, where) is None for file, where in problems) >= 250
