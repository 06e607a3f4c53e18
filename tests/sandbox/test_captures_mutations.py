"""The sandbox answers recorded mutations as Shopify did: same keys, values, lists and user errors.

Every step of the recordings whose root is a mutation of the sandbox is replayed. Times, URLs, digests, image sizes
and names of taxonomy categories only have to be there. What can't be replayed, or is known to differ, stands in
`SKIPS` with its reason; an entry that has become unnecessary fails. Versions of the recordings: 2025-01 to 2026-07;
the documents are checked against the served slice of 2026-10.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from shopify_sync.sandbox import resources
from shopify_sync.sandbox.registry import MUTATIONS
from tests.sandbox.capture_replay import Replay
from tests.sandbox.capture_steps import capture_files, ordered, read
from tests.shared import needs_captures

resources.load()
FILES = capture_files()
pytestmark = needs_captures

NOT_KEPT = "the recording kept neither document nor variables"
NO_RESOURCE = "the object is of a type that the sandbox does not serve (order, customer, article, draft order ...)"
NO_UPLOADS = "the sandbox takes uploads for bulk mutations only"
DEFINITIONS = "metafield definitions are not served"
UPLOADING = "Shopify had begun to process the file within its own answer; the sandbox always says UPLOADED there"
SEEN_LATER = "the recording shows the product only as it was after the change"
TAKEN = "the recorded store already had a product with the handle `product`"

# (file, step, reason); `*` stands for any text.
SKIPS = [
    ("products/product-create-parity--2025-01--*", "handleValidation.createPunctuationNormalization", TAKEN),
    ("products/product-update-parity--2025-01--very-*", "handleValidation.updatePunctuationNormalization", TAKEN),
    ("products/product-update-parity--2025-01--very-*", "handleValidation.updateCollision", TAKEN),
    ("products/product-update-parity--2025-01--very-*", "validation.blankTitle", SEEN_LATER),
    (
        "products/product-delete-async-operation--*",
        "renamedVariable.mutation",
        "the name of a variable is not that of its argument, and the document was not kept",
    ),
    (
        "products/product-delete-async-operation--*",
        "inlineFalse.mutation",
        "`synchronous: false` stood in the document, which was not kept",
    ),
    ("products/product-relationship-roots-mutation-preflight.json", "cleanup.*", NOT_KEPT),
    ("products/tags-add-multi-resource.json", "cases.orderAdd", NO_RESOURCE),
    ("products/tags-add-multi-resource.json", "cases.customerAdd", NO_RESOURCE),
    ("products/tags-add-multi-resource.json", "cases.articleAdd", NO_RESOURCE),
    ("products/tags-add-multi-resource.json", "cases.draftOrderRemove", NO_RESOURCE),
    ("products/tags-add-multi-resource.json", "normalizationCases.*", NO_RESOURCE),
    ("variants/product-variant-relationship-bulk-update-validation.json", "cleanup.*", NOT_KEPT),
    ("variants/product-variants-bulk-reorder-parity.json", "setup.*", NOT_KEPT),
    (
        "variants/product-mutation-hydration-variant-update.json",
        "mutation",
        "Shopify left `position` at 2 for all variants behind the first; the sandbox numbers them",
    ),
    (
        "options/product-mutation-hydration-option-update.json",
        "mutation",
        "Shopify left `position` at 2 for all variants behind the first; the sandbox numbers them",
    ),
    ("options/product-option-update-parity--2025-01--*", "validation.updateUnknownOption", NOT_KEPT),
    (
        "media/file-acknowledge-update-failed-parity.json",
        "success.setup.update",
        "the new source is no image, so its processing failed; the sandbox downloads nothing",
    ),
    ("media/media-file-cascade-variant-media-clear.json", "updateDetachScenario.setup.productCreateMedia", UPLOADING),
    ("media/product-reorder-media-parity.json", "setup.productCreateMedia", UPLOADING),
    (
        "media/media-file-create-references-authorization.json",
        "mutation",
        "a token without write_products; scopes are the server's: test_server",
    ),
    ("media/media-file-create-references-authorization.json", "cleanup.productDelete", NOT_KEPT),
    (
        "media/media-file-update-validation-branches.json",
        "branches.sourceAndVersion",
        "not recorded: the public schema has no revertToVersionId (note in the file)",
    ),
    ("media/media-staged-uploads-create-user-errors-shape.json", "cases.0", NO_UPLOADS),
    ("media/staged-upload-targets-parity.json", "stagedUploadsCreate", NO_UPLOADS),
    ("metafields/metafields-set-input-validation.json", "cleanup", NOT_KEPT),
    ("metafields/metafieldsSet-value-type-fidelity.json", "cleanup", NOT_KEPT),
    ("metafields/metafield-definition-non-product-metafields.json", "captures.[!6]*", NO_RESOURCE),
    ("metafields/owner-metafield-mixed-owner-hydration.json", "*Set", DEFINITIONS),
    ("metafields/owner-metafield-mixed-owner-hydration.json", "delete", NO_RESOURCE),
    ("metafields/standard-metafield-definition-enable-validation.json", "regularUserErrorTypenames", DEFINITIONS),
]

# Recorded mutations of other parts of Shopify, and of names that the sandbox leaves out. A document with aliases only
# shows the alias when it was not kept.
OUTSIDE = {
    "articleCreate", "articleDelete", "blogCreate", "blogDelete", "bulkProductResourceFeedbackCreate",
    "collectionAddProductsV2", "collectionDelete", "combinedListingUpdate", "companyCreate", "companyDelete",
    "constrainedCreate", "constrainedPin", "customerCreate", "customerDelete", "delegateAccessTokenCreate",
    "fileAcknowledgeUpdateFailed", "fileCreate", "fileDelete", "idCreate", "metafieldDefinitionCreate",
    "metafieldDefinitionDelete", "metafieldDefinitionPin", "metafieldDefinitionUnpin", "metafieldDefinitionUpdate",
    "pageCreate", "pageDelete", "priceListFixedPricesByProductUpdate", "productBundleCreate",
    "productBundleUpdate", "productDuplicate", "productFeedCreate", "productFeedDelete", "productFullSync",
    "productJoinSellingPlanGroups", "productLeaveSellingPlanGroups", "productPublish", "productUnpublish",
    "productVariantAppendMedia", "productVariantDetachMedia", "productVariantJoinSellingPlanGroups",
    "productVariantLeaveSellingPlanGroups", "productVariantRelationshipBulkUpdate", "savedSearchCreate",
    "sellingPlanGroupCreate", "sellingPlanGroupDelete", "shopResourceFeedbackCreate",
    "standardMetafieldDefinitionEnable", "standardReenablePin", "updateConstrainedPin", "updateOverCapPin",
}  # fmt: skip


class Result(NamedTuple):
    problems: dict[str, str | None]  # by step; None: the answers agree
    lacking: set[str]  # fields of answers that the served schema does not have


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@cache
def replayed(path: Path) -> Result:
    """Every step of one file whose root the sandbox serves, played in order against one shop."""
    recording = read(path)
    store = "very-big-test-store" if "very-big-test-store" in path.name else "harry-test-heelo"
    replay = Replay(recording, str(recording.get("storeDomain") or store).partition(".")[0])
    problems = {
        step.where: replay.play(step)
        for step in ordered(path.name, recording)
        if any(root in MUTATIONS for root in step.roots())
    }
    return Result(problems, replay.lacking)


def skip(file: str, where: str) -> int | None:
    """The position of the table's entry for a step."""
    for place, (file_pattern, where_pattern, _) in enumerate(SKIPS):
        if fnmatchcase(file, file_pattern) and fnmatchcase(where, where_pattern):
            return place
    return None


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_answers_agree(path: Path) -> None:
    result = replayed(path)
    wrong = {where: why for where, why in result.problems.items() if why and skip(name_of(path), where) is None}
    assert wrong == {}
    idle = [where for where, why in result.problems.items() if why is None and skip(name_of(path), where) is not None]
    assert idle == [], "these steps agree now: take their entries out of SKIPS"
    assert result.lacking == set(), "fields that were recorded, but are not served"


def test_every_entry_of_the_table_is_used() -> None:
    used = {
        skip(name_of(path), where)
        for path in FILES
        if any(fnmatchcase(name_of(path), pattern) for pattern, _, _ in SKIPS)
        for where in replayed(path).problems
    }
    assert [SKIPS[place][:2] for place in range(len(SKIPS)) if place not in used] == []


def test_other_mutations_are_known() -> None:
    found = {root for path in FILES for step in ordered(path.name, read(path)) for root in step.roots()}
    assert found - set(MUTATIONS) == OUTSIDE


def test_most_steps_are_replayed() -> None:
    """Guards the harness: a change that finds fewer steps would make all other tests pass."""
    problems = [(name_of(path), where) for path in FILES for where in replayed(path).problems]
    assert len(problems) >= 370
    assert sum(skip(file, where) is None for file, where in problems) >= 300
