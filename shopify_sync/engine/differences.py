"""One record on both sides: which fields differ and why, and what puts an unseen alteration right. Pure."""

from __future__ import annotations

from shopify_sync.engine import decide
from shopify_sync.engine.own import recognised
from shopify_sync.records import Difference, LocalRecord, Node, Record
from shopify_sync.records.proofs import ALTERED, BOTH, DISPUTED, ON_SHOPIFY, REFUSED, UNKNOWN, WAITS
from shopify_sync.spec import Entity, compare, lines, pair, plain, record_of
from shopify_sync.spec.compare import FieldChange


def differences(
    entity: Entity, local: LocalRecord, node: Node | None, disputes: dict[str, int]
) -> tuple[Difference, ...]:
    """Every field in which a record's rows are not what Shopify has. Without a node, Shopify is taken to have what it
    had when it was last read. Both sides are compared directly, whatever a merge would make of them."""
    base = local.seen
    there = base if node is None else recognised(entity, local, record_of(entity, node))
    if there is None:
        return ()
    here = decide.record_here(entity, local) if local.dirty else entity.complete(local.record, None)
    found = lines(entity, compare(entity, here, there, sendable=False))
    emptied = _emptied(entity, local, here, there, {line.path for line in found})
    found += emptied
    edits = _paths(entity, base, here) | {line.path for line in emptied}
    news = _paths(entity, base, there) if node is not None else set()
    return tuple(
        Difference(line.path, plain(line.before), plain(line.after), *_why(local, line.path, edits, news, disputes))
        for line in found
        if not _unlinked(line) and (node is not None or not _shared(entity, line))
    )


def _paths(entity: Entity, base: Record | None, side: Record) -> set[str]:
    if base is None:
        return set()
    found = lines(entity, compare(entity, base, side, sendable=False))
    return {line.path for line in found if not _shared(entity, line)}


def _emptied(entity: Entity, local: LocalRecord, here: Record, there: Record, told: set[str]) -> list[FieldChange]:
    """A null stands for "as Shopify has it" only while an edit waits; in other rows, the sync has filled it in."""
    if local.dirty and not local.unreadable:
        return []
    strict = lines(entity, compare(entity, here, there, sendable=False, strict=True))
    return [line for line in strict if line.before is None and line.after is not None and line.path not in told]


def _unlinked(line: FieldChange) -> bool:
    """A new element is known by what it is; that it has no id yet is no difference of its own."""
    return line.path.endswith(".shopify_id") and line.before is None


def _shared(entity: Entity, line: FieldChange) -> bool:
    """Rows that many records share are renewed with any of them, so an older base of another proves nothing."""
    name, bracket, rest = line.path.partition("[")
    return bool(bracket) and entity.child[name].target is not None and not rest.endswith("]")


def _why(
    local: LocalRecord, path: str, edits: set[str], news: set[str], disputes: dict[str, int]
) -> tuple[str, int | None]:
    number = disputes.get(path, disputes.get(""))
    if number is None and local.held_rev == local.local_rev and disputes:
        number = min(disputes.values())  # all that is left to do about this record is to decide
    if number is not None:
        return DISPUTED, number
    if local.seen is None:
        return (BOTH if local.dirty else UNKNOWN), None
    here = ALTERED if not local.dirty else REFUSED if local.refused_rev == local.local_rev else WAITS
    if path not in edits and path not in news:  # an element that has another name on each side
        edited, moved = bool(edits or local.unreadable), bool(news)
    else:
        edited, moved = path in edits, path in news
    if edited and moved and local.dirty:
        return BOTH, None
    return (here if edited else ON_SHOPIFY), None


def mended(entity: Entity, local: LocalRecord) -> Record:
    """What the rows of a record that was altered unseen are to have, so that nothing is lost on either side.

    A value that was changed is an edit and stays. An element that is gone, or a value that can't be read, may be
    damage: taken for an edit it would be deleted on Shopify as well, so it comes back.
    """
    if local.seen is None:
        return local.record
    wanted: Record = dict(local.record)
    for column in entity.columns:
        if column.name in local.unreadable or (wanted[column.name] is None and column.maps.required):
            wanted[column.name] = local.seen[column.name]
    for child in entity.children:
        items: list[Record] = []
        lost: list[tuple[int, Record]] = []
        places = {id(item): at for at, item in enumerate(local.seen[child.name])}
        for before, after in pair(child, local.seen[child.name], local.record[child.name]):
            if after is None and before is not None:
                lost.append((places[id(before)], before))
            elif after is not None:
                spots = {
                    column.name: f"{child.name}[{after.get('local_id')}].{column.name}" for column in child.columns
                }
                back = {
                    column.name: before[column.name]
                    for column in child.columns
                    if before is not None
                    and (
                        spots[column.name] in local.unreadable
                        or (after.get(column.name) is None and column.maps.required)
                    )
                }
                items.append(after | back)
        for at, item in sorted(lost, key=lambda one: one[0]):
            items.insert(min(at, len(items)), item)
        wanted[child.name] = items
    return wanted
