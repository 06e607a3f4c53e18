"""The pure part of verify: ranges by digest, and what a difference is put down to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.catalogue import product
from shopify_sync.engine.differences import differences, mended
from shopify_sync.engine.ranges import Digest, Stamp, differing, digest
from shopify_sync.entities import entity
from shopify_sync.records import Difference, LocalRecord, Node, Proof, Unequal
from shopify_sync.spec import record_of

PRODUCTS = entity("products")
_STAMPS = st.dictionaries(st.integers(1, 400), st.integers(0, 3), max_size=120).map(lambda found: sorted(found.items()))


@given(_STAMPS, _STAMPS)
def test_bisecting_finds_what_comparing_all_would_find(here: list[Stamp], there: list[Stamp]) -> None:
    """Exactly the ids that one side lacks or has with another time, ascending."""
    assert differing(here, there) == sorted({number for number, _ in set(here) ^ set(there)})
    assert differing(here, here) == []


@given(_STAMPS, st.integers(0, 120))
def test_a_digest_does_not_depend_on_the_pages(stamps: list[Stamp], at: int) -> None:
    """Page by page or at once: the same records have the same digest."""
    made = Digest()
    made.add(stamps[:at])
    made.add(stamps[at:])
    assert made.hex() == digest(stamps)


def test_a_listing_with_one_id_twice_is_no_endless_search() -> None:
    """Shopify should not; if it does, the id is looked at."""
    assert differing([(5, 1)] * 6, [(5, 2)] * 6) == [5]


def node(**changes: Any) -> Node:
    made: Node = product(1) | changes
    for name in ("variants", "media", "metafields", "collections"):
        if isinstance(made[name], dict):
            made[name] = made[name]["nodes"]
    return made


def stored(base: Node | None, *, dirty: bool = False, **changes: Any) -> LocalRecord:
    """A record whose rows were made of `base` and then changed."""
    record = record_of(PRODUCTS, base if base is not None else node())
    for name in PRODUCTS.child:
        record[name] = [item | {"local_id": at} for at, item in enumerate(record[name], start=1)]
    return LocalRecord(
        local_id=1,
        shopify_id=record["shopify_id"],
        key="everyday-tee-1",
        record=record | changes,
        node=base,
        seen=record_of(PRODUCTS, base) if base is not None else None,
        updated_at=datetime(2026, 2, 1, tzinfo=UTC),
        local_rev=2,
        dirty=dirty,
        deleted=False,
    )


@pytest.mark.parametrize(
    ("dirty", "here", "there", "why"),
    [
        (False, None, "Theirs", "changed_on_shopify"),
        (True, "Ours", None, "waits_for_push"),
        (True, "Ours", "Theirs", "changed_on_both"),
        (False, "Ours", None, "altered_here"),
        (False, "Ours", "Theirs", "altered_here"),
    ],
)
def test_a_difference_is_put_down_to_who_left_the_base(
    dirty: bool, here: str | None, there: str | None, why: str
) -> None:
    """Base, here and Shopify tell who changed; a change here without a mark is one that no trigger saw."""
    changed = {"title": here} if here else {}
    local = stored(node(), dirty=dirty, **changed)
    remote = node(title=there) if there else node()
    (line,) = differences(PRODUCTS, local, remote, {})
    assert (line.path, line.why, line.here) == ("title", why, here or node()["title"])
    (line,) = differences(PRODUCTS, local, remote, {"title": 7})
    assert (line.why, line.conflict_id) == ("in_dispute", 7)


def test_without_a_base_nobody_can_tell() -> None:
    """A record that differs and whose base is lost."""
    local = stored(None, title="Ours")
    assert [line.why for line in differences(PRODUCTS, local, node(), {})] == ["base_damaged"]
    assert differences(PRODUCTS, local, None, {}) == ()


def test_shared_rows_are_no_difference_to_an_old_base() -> None:
    """A collection was renamed, and another record brought its new name; against Shopify itself it counts."""
    base = node()
    renamed = [item | {"title": "Everything"} for item in record_of(PRODUCTS, base)["collections"]]
    local = stored(base, collections=renamed)
    assert differences(PRODUCTS, local, None, {}) == ()
    assert [(line.path, line.why) for line in differences(PRODUCTS, local, node(), {})] == [
        ("collections[2].title", "changed_on_shopify")
    ]
    assert len(differences(PRODUCTS, stored(base, collections=[]), None, {})) == 1


def test_mending_keeps_edits_and_brings_back_what_is_gone() -> None:
    """A changed value is an edit; a vanished element may be damage, and stays on both sides."""
    base = node()
    local = stored(base, title="Ours", handle=None)
    local.record["variants"] = [local.record["variants"][0] | {"price": None}, local.record["variants"][2]]
    wanted = mended(PRODUCTS, local)
    assert (wanted["title"], wanted["handle"]) == ("Ours", "everyday-tee-1")
    assert [variant["sku"] for variant in wanted["variants"]] == ["TEE-1-S", "TEE-1-M", "TEE-1-L"]
    assert wanted["variants"][0]["local_id"] == 1


def test_only_what_waits_for_a_decision_is_no_difference() -> None:
    """Exit code 4 for disputes alone, 3 for anything else, and nothing is equal before it was compared."""
    line = Difference("title", 1, 2, "in_dispute", 4)
    disputed = Unequal("different", "a", 1, 2, "in_dispute", (line,))
    other = Unequal("missing", "b", None, 3, "changed_on_shopify")
    proof = Proof("products")
    assert (proof.status, proof.exit_code) == ("unknown", 1)
    proof.whole = True
    assert (proof.status, proof.exit_code) == ("equal", 0)
    proof.unequal = [disputed]
    assert (proof.status, proof.exit_code) == ("conflicts", 4)
    proof.unequal = [disputed, other]
    assert (proof.status, proof.exit_code) == ("different", 3)
