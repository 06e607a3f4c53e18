"""The merge as a law: whatever both sides did, nothing is lost without a dispute, and a second merge does nothing."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shopify_sync.engine.disputes import entries, overlaid
from shopify_sync.engine.merge import Merged, Rules, merge
from shopify_sync.entities.products import fits
from shopify_sync.records import Decision, Dispute, Record
from shopify_sync.spec import Child, Column, Merge, compare, plain, same
from shopify_sync.spec.compare import fields_of, label
from tests.properties.products import ENTITY, Three, clash

laws = settings(
    derandomize=True, database=None, max_examples=200, deadline=None, suppress_health_check=list(HealthCheck)
)
clashes = st.integers(0, 2**32).map(clash)
both = given(clashes)


@laws
@both
def test_a_merge_changes_none_of_its_inputs(sides: Three) -> None:
    """Pure: records go in and stay as they were."""
    before = copy.deepcopy(sides)
    for rules in (Rules(), Rules(prefer="local"), Rules("overwrite", "shopify"), Rules("skip")):
        first = merge(ENTITY, *sides, rules)
        assert sides == before
        assert merge(ENTITY, *sides, rules) == first


@laws
@both
def test_no_edit_is_lost_without_a_dispute(sides: Three) -> None:
    """What one side did is on both afterwards; what both did differently is in dispute, and each keeps its own."""
    base, local, remote = sides
    _nothing_lost(base, local, remote, merge(ENTITY, base, local, remote))


@laws
@both
def test_options_and_variants_fit_together(sides: Three) -> None:
    """Two sides that are each in order never merge into a product that Shopify would refuse."""
    merged = merge(ENTITY, *sides)
    for side in (merged.here, merged.there):
        assert fits(side)
        for option in side["options"]:
            chosen = {variant["option_values"][option["name"]] for variant in side["variants"]}
            assert chosen <= set(option["values"])


@laws
@both
def test_an_unchanged_side_gives_the_other(sides: Three) -> None:
    """Nobody but one side changed anything: both are as that one."""
    base, ours, theirs = sides
    for local, remote, wanted in ((base, theirs, theirs), (ours, base, ours)):
        merged = merge(ENTITY, base, local, remote)
        assert not merged.disputes
        assert not merged.settled
        for side in (merged.here, merged.there):
            assert not compare(ENTITY, wanted, side)


@laws
@both
def test_the_same_edits_on_both_sides_are_no_conflict(sides: Three) -> None:
    """Equality first: both sides that did the same agree, whatever it was."""
    base, side, _ = sides
    merged = merge(ENTITY, base, side, copy.deepcopy(side))
    assert not merged.disputes
    assert not compare(ENTITY, side, merged.here)
    assert not compare(ENTITY, side, merged.there)


@laws
@both
def test_a_second_merge_changes_nothing(sides: Three) -> None:
    """Idempotent: what was adopted is the base then; the same disputes wait, and nothing else is to be done."""
    first = merge(ENTITY, *sides)
    kept = json.loads(json.dumps(entries(first.disputes)))
    again = merge(ENTITY, overlaid(ENTITY, first.there, kept), first.here, first.there)
    assert _places(again.disputes) == _places(first.disputes)
    assert not compare(ENTITY, first.here, again.here)
    assert not compare(ENTITY, first.there, again.there)
    quiet = merge(ENTITY, first.there, first.there, first.there)
    assert (quiet.here, quiet.there, quiet.disputes) == (first.there, first.there, [])


@laws
@both
def test_a_dispute_ends_when_both_sides_agree(sides: Three) -> None:
    """Somebody makes one side as the other is: nothing is in dispute any more, and nothing else has moved."""
    first = merge(ENTITY, *sides)
    kept = json.loads(json.dumps(entries(first.disputes)))
    again = merge(ENTITY, overlaid(ENTITY, first.there, kept), copy.deepcopy(first.there), first.there)
    assert not again.disputes
    assert not compare(ENTITY, first.there, again.here)


@laws
@given(clashes, st.integers(0, 99))
def test_the_order_of_looking_does_not_matter(sides: Three, seed: int) -> None:
    """Fields in another order, and elements of lists whose order means nothing, give the same merge."""
    shuffle = random.Random(seed)
    base, local, remote = (_shuffled(side, shuffle) for side in sides)
    one, two = merge(ENTITY, *sides), merge(ENTITY, base, local, remote)
    for left, right in ((one.here, two.here), (one.there, two.there)):
        assert not compare(ENTITY, left, right)
    assert sorted(d.path for d in one.disputes) == sorted(d.path for d in two.disputes)


@laws
@both
@pytest.mark.parametrize("side", ["local", "shopify"])
def test_preferring_one_side_gives_that_side(side: str, sides: Three) -> None:
    """No dispute is left, both sides are one, and each path in dispute has the preferred side's value."""
    base, local, remote = sides
    asked = merge(ENTITY, base, local, remote)
    merged = merge(ENTITY, base, local, remote, Rules(prefer=side))
    assert not merged.disputes
    assert not compare(ENTITY, merged.here, merged.there)
    assert {d.path for d in merged.settled} >= {d.path for d in asked.disputes} or any(
        d.path == "variants" for d in (*merged.settled, *asked.disputes)
    )
    assert {d.take for d in merged.settled} <= {side}
    wanted = local if side == "local" else remote
    _nothing_lost(base, local, remote, merged, wanted)


@laws
@both
@pytest.mark.parametrize("side", ["local", "shopify"])
def test_overwrite_takes_the_whole_record(side: str, sides: Three) -> None:
    """Where both sides changed it, the preferred one is what both have, field by field."""
    base, local, remote = sides
    merged = merge(ENTITY, base, local, remote, Rules("overwrite", side))
    if compare(ENTITY, base, local) and compare(ENTITY, base, remote) and compare(ENTITY, local, remote):
        wanted = local if side == "local" else remote
        assert not compare(ENTITY, wanted, merged.here)
        assert not compare(ENTITY, wanted, merged.there)
        assert [d.path for d in merged.settled] == [""]
    assert not merged.disputes


@laws
@both
def test_skip_leaves_both_sides(sides: Three) -> None:
    """Where both sides changed it, nothing moves, and the record as a whole waits, also after JSON."""
    base, local, remote = sides
    merged = merge(ENTITY, base, local, remote, Rules("skip"))
    if not merged.disputes:
        return
    assert [d.path for d in merged.disputes] == [""]
    assert not compare(ENTITY, local, merged.here)
    assert not compare(ENTITY, remote, merged.there)
    kept = json.loads(json.dumps(entries(merged.disputes)))
    again = merge(ENTITY, overlaid(ENTITY, remote, kept), merged.here, remote, Rules("skip"))
    assert [d.path for d in again.disputes] == [""]


@laws
@given(clashes, st.sampled_from(["local", "shopify"]))
def test_decisions_are_carried_out(sides: Three, take: str) -> None:
    """Each decision settles its path, for good: with it nothing is in dispute, without it nothing else has moved."""
    asked = merge(ENTITY, *sides)
    decisions = _decisions(asked.disputes, take)
    merged = merge(ENTITY, *sides, None, decisions)
    assert not [d.path for d in merged.disputes if d.path != "variants"]
    settled = {d.path: d for d in merged.settled}
    for path in decisions:
        if path in settled:
            assert settled[path].take == take
            assert settled[path].decision_id is not None
    if not merged.disputes:
        assert settled.keys() == decisions.keys()
        assert not compare(ENTITY, merged.here, merged.there)


@laws
@given(clashes, st.sampled_from(["local", "shopify"]))
def test_a_decision_only_stands_while_the_loser_is_as_it_was(sides: Three, take: str) -> None:
    """Who decided did not know what came later: that is asked again."""
    asked = merge(ENTITY, *sides)
    loser = "remote" if take == "local" else "local"
    stale = {
        path: Decision(one.id, take, None, *(("was other",) * 2 if loser == "local" else (one.local, "was other")))
        for path, one in _decisions(asked.disputes, take).items()
    }
    again = merge(ENTITY, *sides, None, stale)
    assert sorted(d.path for d in again.disputes) == sorted(d.path for d in asked.disputes)
    assert (again.here, again.there) == (asked.here, asked.there)


# What the laws are checked with: an account of its own of what each side did.


def _places(disputes: list[Dispute]) -> list[str]:
    """Where disputes are and what their bases say; a renamed option has another name in its path."""
    told = []
    for dispute in disputes:
        element = dispute.element or {}
        where = element.get("shopify_id") or element.get("label") or dispute.path
        base = None if dispute.column == "order" else plain(dispute.base)  # with what came since, in its place
        told.append(f"{dispute.child} {where} {dispute.column} {base}")
    return sorted(told)


def _decisions(disputes: list[Dispute], take: str) -> dict[str, Decision]:
    return {d.path: Decision(at, take, None, plain(d.local), plain(d.remote)) for at, d in enumerate(disputes, start=1)}


def _shuffled(record: Record, shuffle: random.Random) -> Record:
    names = list(record)
    shuffle.shuffle(names)
    made = {name: copy.deepcopy(record[name]) for name in names}
    for name in ("metafields", "collections"):
        shuffle.shuffle(made[name])
    shuffle.shuffle(made["tags"])
    return made


def _nothing_lost(base: Record, local: Record, remote: Record, merged: Merged, winner: Record | None = None) -> None:
    """`winner` is the side that a policy prefers, None where disputes wait."""
    told = {d.path for d in (*merged.disputes, *merged.settled)}
    assert len(told) == len(merged.disputes) + len(merged.settled), "a path twice"
    for column in ENTITY.columns:
        values = [side.get(column.name) for side in (base, local, remote, merged.here, merged.there)]
        _value(column, column.name, told, values, winner)
    for child in ENTITY.children:
        if child.name in told or (child.name in ENTITY.group and "variants" in told):
            continue
        lists = [side[child.name] for side in (base, local, remote, merged.here, merged.there)]
        _known_elements(child, told, lists, winner)
        _new_elements(child, told, lists)


def _value(column: Column, path: str, told: set[str], values: list[Any], winner: Record | None) -> None:
    """`values` are those of base, local, remote, here, there."""
    base, local, remote, here, there = values
    kind = column.maps.merge
    if kind is Merge.READ_ONLY or column.name in ("position", "option_values"):
        return
    if kind is Merge.UNION:
        b, ours, theirs, h, t = ({v.strip().casefold() for v in side} for side in values)
        assert h == t == (b & ours & theirs) | (ours - b) | (theirs - b), path
        return
    wanted: tuple[Any, Any]
    if _equal(column, local, remote) or _equal(column, base, local):
        wanted = remote, remote
    elif _equal(column, base, remote):
        wanted = local, local
    elif kind is Merge.SEQUENCE and path not in told:
        assert len(set(here)) == len(here), path
        return
    elif column.maps.alike is not None and None not in (local, remote) and column.maps.alike(local, remote):
        wanted = remote, remote
    elif column.maps.alike is not None and None not in (base, remote) and column.maps.alike(base, remote):
        wanted = local, local  # theirs only says the same otherwise
    elif column.maps.alike is not None and None not in (base, local) and column.maps.alike(base, local):
        wanted = remote, remote
    else:
        assert path in told, f"{path} was changed on both sides and nobody was told"
        if kind is Merge.SEQUENCE:
            return
        won = None if winner is None else winner.get(column.name)
        wanted = (local, remote) if winner is None else (won, won)
        assert _equal(column, here, wanted[0]) and _equal(column, there, wanted[1]), path
        return
    assert path not in told, f"{path} is no dispute"
    if kind is Merge.SEQUENCE:  # which values an option has follows from the variants as well
        return
    assert _equal(column, here, wanted[0]) and _equal(column, there, wanted[1]), path


def _known_elements(child: Child, told: set[str], lists: list[list[Record]], winner: Record | None) -> None:
    base, local, remote, here, there = lists
    for one in base:
        path = f"{child.name}[{label(child, one)}]"
        number = one["shopify_id"]
        ours, theirs, h, t = (_by_id(side, number) for side in (local, remote, here, there))
        if ours is None and (ours := _again(child, one, local)) is not None:
            h, t = h or _again(child, one, here), t or _again(child, one, there)
        if ours is None and theirs is None:
            assert h is None and t is None, path
        elif ours is None or theirs is None:
            left = ours if ours is not None else theirs
            assert left is not None
            changed = any(not _equal(c, *_bare(c, one, left)) for c in fields_of(child))
            if not changed:
                assert h is None and t is None, f"{path}: a deletion was lost"
                continue
            assert path in told, f"{path} was edited on one side, deleted on the other, and nobody was told"
            if winner is None:
                assert (h is not None, t is not None) == (ours is not None, theirs is not None), path
        else:
            assert h is not None and t is not None, f"{path}: an element was lost"
            won = None if winner is None else ours if _by_id(winner[child.name], number) is ours else theirs
            for column in fields_of(child):
                values = [side.get(column.name) for side in (one, ours, theirs, h, t)]
                _value(column, f"{path}.{column.name}", told, values, won)


def _new_elements(child: Child, told: set[str], lists: list[list[Record]]) -> None:
    base, local, remote, here, there = lists
    known = {one["shopify_id"] for one in base}
    before = {label(child, one) for one in base}
    ours = {label(child, one): one for one in local if one["shopify_id"] not in known}
    theirs = {label(child, one): one for one in remote if one["shopify_id"] not in known}
    for name, one in (*theirs.items(), *((name, one) for name, one in ours.items() if name not in before)):
        for after in (here, there):
            assert any(_alike(child, one, other) for other in after), f"{child.name}[{name}] was lost"
    for name in ours.keys() & theirs.keys() - before:
        for column in fields_of(child):
            left, right = ours[name].get(column.name), theirs[name].get(column.name)
            if column.name not in ("position", "option_values", "values") and not _equal(column, left, right):
                assert f"{child.name}[{name}].{column.name}" in told, (
                    f"{name}.{column.name}: two values, nobody was told"
                )


def _bare(column: Column, *sides: Record) -> list[Any]:
    """A renamed option is no change of a variant; another value is."""
    values = [side.get(column.name) for side in sides]
    return [list(v.values()) if isinstance(v, dict) else v for v in values]


def _again(child: Child, one: Record, local: list[Record]) -> Record | None:
    """An element that somebody here deleted and made anew: without an id, and the same thing."""
    return next((o for o in local if o["shopify_id"] is None and label(child, o) == label(child, one)), None)


def _alike(child: Child, one: Record, other: Record) -> bool:
    if child.name == "variants":  # an option may have been renamed by the other side
        return sorted(one["option_values"].values()) == sorted(other["option_values"].values())
    return label(child, one) == label(child, other)


def _by_id(items: list[Record], number: int) -> Record | None:
    return next((one for one in items if one["shopify_id"] == number), None)


def _equal(column: Column, one: Any, other: Any) -> bool:
    """What the design calls equal, said again: no text is the empty one, money is a number, times are seconds."""
    if column.maps.required and (one is None or other is None):
        return True
    return _said(one) == _said(other) or same(column, one, other)


def _said(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.normalize()
    return value or ""


def test_the_generator_reaches_disputes() -> None:
    """Laws over records that never clash would say nothing."""
    seen: set[str] = set()

    @settings(laws, max_examples=1000)
    @both
    def look(sides: Three) -> None:
        seen.update(_shapes(merge(ENTITY, *sides).disputes))

    look()
    assert {"title", "variants[].option_values", "variants[]", "media.order", "metafields[].value"} <= seen


def _shapes(disputes: list[Dispute]) -> Iterator[str]:
    for dispute in disputes:
        head, bracket, tail = dispute.path.partition("[")
        yield head + ("[]" + tail.rpartition("]")[2] if bracket else "")
