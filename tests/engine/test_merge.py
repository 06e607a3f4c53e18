"""The merge, line by line of its table, and what policies and decisions make of each."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from shopify_sync.engine.disputes import entries, overlaid
from shopify_sync.engine.merge import Rules, merge
from shopify_sync.records import Decision, Record
from tests.properties.products import ENTITY, collection, medium, metafield, variant


def product(**fields: Any) -> Record:
    made = {
        "shopify_id": 1,
        "title": "Mug",
        "tags": [],
        "options": [{"shopify_id": 10, "name": "Size", "position": 1, "values": ["S", "M"]}],
        "variants": [
            variant(100, {"Size": "S"}, Decimal("10"), 1),
            variant(101, {"Size": "M"}, Decimal("11"), 2),
        ],
        "media": [medium(200, "a"), medium(201, "b")],
        "metafields": [metafield(300, "care", "wash")],
        "collections": [],
    }
    return made | fields


# base, local, remote; here, there; in dispute
VALUES = [
    ("same, same", "a", "a", "a", "a", "a", False),
    ("changed, same", "a", "b", "a", "b", "b", False),
    ("same, changed", "a", "a", "b", "b", "b", False),
    ("changed, changed, equal", "a", "b", "b", "b", "b", False),
    ("changed, changed, different", "a", "b", "c", "b", "c", True),
    ("emptied, same", "a", "", "a", "", "", False),
    ("emptied, changed", "a", "", "c", "", "c", True),
    ("absent, null, empty", None, None, "", "", "", False),
    ("null here, empty before, changed there", "", None, "c", "c", "c", False),
    ("new on both sides, different", None, "b", "c", "b", "c", True),
]


@pytest.mark.parametrize(("line", "base", "local", "remote", "here", "there", "disputed"), VALUES)
def test_a_text(line: str, base: Any, local: Any, remote: Any, here: Any, there: Any, disputed: bool) -> None:
    merged = merge(ENTITY, product(title=base), product(title=local), product(title=remote))
    assert (merged.here["title"], merged.there["title"]) == (here, there), line
    assert [d.path for d in merged.disputes] == (["title"] if disputed else []), line


@pytest.mark.parametrize(
    ("column", "base", "local", "remote", "disputed"),
    [
        ("price", Decimal("10.00"), Decimal("10.0"), Decimal("12"), False),
        ("price", Decimal("10"), Decimal("12.5"), Decimal("12.50"), False),
        ("price", Decimal("10"), Decimal("11"), Decimal("12"), True),
        ("price", Decimal("10"), None, Decimal("12"), False),  # null: as Shopify has it
        ("compare_at_price", None, Decimal("0"), None, False),
        ("compare_at_price", None, Decimal("0"), Decimal("1"), True),
        ("harmonized_system_code", None, "6912.00", "691200", False),
        ("harmonized_system_code", None, "6912.00", "691300", True),
        ("taxable", True, False, True, False),
    ],
)
def test_a_variants_value(column: str, base: Any, local: Any, remote: Any, disputed: bool) -> None:
    def side(value: Any) -> Record:
        return product(variants=[variant(100, {"Size": "S"}, None, 1) | {column: value}])

    merged = merge(ENTITY, side(base), side(local), side(remote))
    assert [d.path for d in merged.disputes] == ([f"variants[S].{column}"] if disputed else [])


@pytest.mark.parametrize(
    ("base", "local", "remote", "wanted"),
    [
        (["a", "b"], ["a", "b", "c"], ["a"], ["a", "c"]),
        (["Red"], ["red"], ["Red", "x"], ["Red", "x"]),
        (["a"], [], ["a", "b"], ["b"]),
        (["a"], ["a", " NEW"], ["a", "new "], ["a", "new "]),
        ([], ["a"], ["b"], ["b", "a"]),
    ],
)
def test_tags(base: list[str], local: list[str], remote: list[str], wanted: list[str]) -> None:
    """A set: element by element, without regard to case, and never in dispute."""
    merged = merge(ENTITY, product(tags=base), product(tags=local), product(tags=remote))
    assert merged.here["tags"] == merged.there["tags"] == wanted
    assert not merged.disputes


def test_an_element_deleted_on_one_side() -> None:
    """Gone where the other left it alone; in dispute where the other changed it."""
    base = product()
    less = product(media=[medium(201, "b")], metafields=[])
    merged = merge(ENTITY, base, less, product())
    assert [m["shopify_id"] for m in merged.there["media"]] == [201]
    assert merged.there["metafields"] == []
    changed = product(metafields=[metafield(300, "care", "dry")])
    for sides in ((less, changed), (changed, less)):
        merged = merge(ENTITY, base, *sides)
        assert [d.path for d in merged.disputes] == ["metafields[custom.care]"]
        assert (merged.here["metafields"], merged.there["metafields"]) == tuple(s["metafields"] for s in sides)


def test_a_dispute_about_a_deleted_element_keeps_its_name() -> None:
    """The base that is kept of it names it, although Shopify's list no longer does."""
    changed, less = product(metafields=[metafield(300, "care", "dry")]), product(metafields=[])
    merged = merge(ENTITY, product(), changed, less)
    again = merge(ENTITY, overlaid(ENTITY, less, entries(merged.disputes)), changed, less)
    assert [d.path for d in again.disputes] == ["metafields[custom.care]"]


def test_elements_of_both_sides_stay() -> None:
    local = product(media=[medium(200, "a"), medium(201, "b"), medium(None, "here")], collections=[collection(1)])
    remote = product(media=[medium(200, "a"), medium(950, "there"), medium(201, "b")], collections=[collection(2)])
    merged = merge(ENTITY, product(), local, remote)
    assert [m["url"][15:-4] for m in merged.there["media"]] == ["a", "there", "b", "here"]
    assert {c["shopify_id"] for c in merged.here["collections"]} == {1, 2}
    assert not merged.disputes


def test_descriptions_that_differ_in_spelling() -> None:
    """Where both changed it, another spelling of the same page is agreed, as Shopify spells it."""
    old, theirs = product(description_html="<p>a</p>"), product(description_html="<p>b &amp; c</p>")
    merged = merge(ENTITY, old, product(description_html="<P>b &#38; c</P>\n"), theirs)
    assert merged.here["description_html"] == merged.there["description_html"] == "<p>b &amp; c</p>"
    assert not merged.disputes
    one = merge(ENTITY, theirs, product(description_html="<p>b  &amp; c</p>"), theirs)
    assert one.there["description_html"] == "<p>b  &amp; c</p>", "a change on one side is exact"


@pytest.mark.parametrize(
    ("rules", "newer", "wins"),
    [
        (Rules(), "local", ""),
        (Rules(prefer="local"), "shopify", "Ours"),
        (Rules(prefer="shopify"), "local", "Theirs"),
        (Rules(prefer="newest"), "local", "Ours"),
        (Rules(prefer="newest"), "shopify", "Theirs"),
        (Rules(fields={"title": "local"}), "shopify", "Ours"),
        (Rules(prefer="local", fields={"title": "ask"}), "local", ""),
        (Rules(fields={"variants": "local"}), "shopify", ""),
        (Rules(prefer="local", fields={"title": "skip"}), "local", ""),
    ],
)
def test_policies(rules: Rules, newer: str, wins: str) -> None:
    merged = merge(ENTITY, product(), product(title="Ours"), product(title="Theirs"), rules, newer=newer)
    if wins:
        assert (merged.here["title"], merged.there["title"]) == (wins, wins)
        assert [d.by for d in merged.settled] == [f"policy:{rules.fields.get('title') or rules.prefer}"]
    else:
        assert (merged.here["title"], merged.there["title"]) == ("Ours", "Theirs")
    assert bool(merged.disputes) is not bool(wins)


@pytest.mark.parametrize(
    ("rules", "tags", "media"),
    [
        (Rules(), ["a", "b", "here", "there"], ["a", "b", "there", "here"]),
        (Rules(fields={"tags": "overwrite:local", "media": "overwrite:shopify"}), ["a", "b", "here"], ["a", "there"]),
        (Rules(prefer="shopify", fields={"tags": "overwrite"}), ["a", "b", "there"], ["a", "b", "there", "here"]),
    ],
)
def test_a_field_may_be_taken_whole(rules: Rules, tags: list[str], media: list[str]) -> None:
    """`overwrite` for a field takes the preferred side's set or list as it is, where both changed it."""
    local = product(tags=["a", "b", "here"], media=[medium(200, "a"), medium(201, "b"), medium(None, "here")])
    remote = product(tags=["a", "b", "there"], media=[medium(200, "a"), medium(950, "there")])
    base = product(tags=["a", "b"], media=[medium(200, "a"), medium(201, "b")])
    if "media" not in rules.fields:
        remote["media"].insert(1, medium(201, "b"))
    merged = merge(ENTITY, base, local, remote, rules)
    assert sorted(merged.there["tags"]) == sorted(tags)
    assert sorted(m["url"][15:-4] for m in merged.there["media"]) == sorted(media)
    assert not merged.disputes


@pytest.mark.parametrize(
    ("decision", "wins"),
    [
        (Decision(1, "local", None, "Ours", "Theirs"), "Ours"),
        (Decision(1, "shopify", None, "Ours", "Theirs"), "Theirs"),
        (Decision(1, "merged", "Both", "Ours", "Theirs"), "Both"),
        (Decision(1, "local", None, "Ours", "Theirs then"), ""),
        (Decision(1, "local", None, "Ours then", "Theirs"), "Ours"),
        (Decision(1, "shopify", None, "Ours then", "Theirs"), ""),
        (Decision(1, "shopify", None, "Ours", "Theirs then"), "Theirs"),
        (Decision(1, "merged", "Both", "Ours then", "Theirs"), ""),
        (Decision(1, "merged", "Both", "Ours", "Theirs then"), ""),
    ],
)
def test_decisions(decision: Decision, wins: str) -> None:
    """One stands as long as the side that loses still is what the one who decided saw."""
    sides = (product(), product(title="Ours"), product(title="Theirs"))
    merged = merge(ENTITY, *sides, Rules(prefer="shopify") if wins else None, {"title": decision})
    if wins:
        assert (merged.here["title"], merged.there["title"]) == (wins, wins)
        assert [d.decision_id for d in merged.settled] == [1]
    else:
        assert [d.path for d in merged.disputes] == ["title"]
