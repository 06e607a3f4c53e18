"""What should be there: a model of both sides that knows nothing of the engine.

It never decides what a sync does; it reads both sides before and after, and says whether what happened is allowed:
each field may stay, or go where only one side changed it since both last agreed; where both did, differently, both
stay and a line of `conflict_log` has to say so, until somebody decides. After a run that nobody disturbed all that may
go has to have gone. So no edit is lost, nothing comes back and nothing is doubled, at every step of a history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.convergence.things import ORDER, Broken, Fields, Path, Thing, covers, slug, units
from tests.convergence.views import LISTS, Side


@dataclass(frozen=True)
class Line:
    """A line of `conflict_log` that is not closed."""

    row: int | None
    number: int | None
    path: str
    status: str


@dataclass
class Model:
    """All products. `observe_here` and `observe_there` follow an edit of one side, `ran` a run."""

    things: list[Thing] = field(default_factory=list)

    # an edit: one side has moved, by a hand

    def observe_here(self, sides: dict[int, Side]) -> None:
        known = {thing.row: thing for thing in self.things if thing.row is not None}
        for row, side in sides.items():
            thing = known.pop(row, None)
            if thing is None:
                thing = Thing(row=row)
                self.things.append(thing)
            thing.local, thing.was_here = thing.flat(side), True
        for thing in known.values():
            thing.row, thing.local, thing.gone = None, None, False
        self._tidy()

    def observe_there(self, sides: dict[int, Side]) -> None:
        known = {thing.number: thing for thing in self.things if thing.number is not None}
        for number, side in sides.items():
            thing = known.pop(number, None)
            if thing is None:
                thing = Thing(number=number)
                self.things.append(thing)
            thing.remote = thing.flat(side)
        for thing in known.values():
            thing.remote = None
        self._tidy()

    def _tidy(self) -> None:
        self.things = [t for t in self.things if t.local is not None or t.remote is not None]

    def decide(self, row: int | None, number: int | None, path: str, take: str) -> None:
        for thing in self.things:
            if (row is not None and thing.row == row) or (number is not None and thing.number == number):
                thing.decisions[path] = take

    # a run

    def ran(self, here: dict[int, Side], there: dict[int, Side], lines: Sequence[Line], *, complete: bool) -> None:
        """Both sides after a run. `complete`: pull and push went through. Raises Broken."""
        self._link(here, there)
        for thing in list(self.things):
            ours = here.get(thing.row) if thing.row is not None else None
            theirs = there.get(thing.number) if thing.number is not None else None
            about = [
                line
                for line in lines
                if (line.row is not None and line.row == thing.row)
                or (line.number is not None and line.number == thing.number)
            ]
            try:
                _Check(thing, about, complete).run(ours, theirs)
            except Broken as error:
                name = (ours or theirs).handle if ours or theirs else "?"  # type: ignore[union-attr]
                raise Broken(f"{name} (row {thing.row}, {thing.number}): {error}") from None
        self._tidy()

    def _link(self, here: dict[int, Side], there: dict[int, Side]) -> None:
        by_row = {thing.row: thing for thing in self.things if thing.row is not None}
        by_number = {thing.number: thing for thing in self.things if thing.number is not None}
        linked = [side.number for side in here.values() if side.number is not None]
        if len(linked) != len(set(linked)):
            raise Broken(f"two rows have the same Shopify id: {linked}")
        for row, side in here.items():
            thing = by_row.get(row)
            other = by_number.get(side.number) if side.number is not None else None
            if thing is None and other is None:
                raise Broken(f"row {row} ({side.handle}) came from nowhere")
            if thing is None and other is not None:
                if other.row is not None and other.local is not None:
                    raise Broken(f"{side.handle} is twice in the database: rows {other.row} and {row}")
                other.row = row
            elif thing is not None and other is None and side.number is not None:
                if thing.number is not None and thing.number in there:
                    raise Broken(f"row {row} is linked to {side.number}, but {thing.number} is there")
                thing.number, thing.remote = side.number, None
                by_number[side.number] = thing
            elif thing is not None and other is not None and thing is not other:
                self._unite(thing, other)
                by_number[other.number or 0] = thing
        for number, side in there.items():
            if number not in by_number:
                self._made(number, side, here)

    def _unite(self, thing: Thing, other: Thing) -> None:
        """A product of each side with the same handle."""
        if thing.remote is not None or other.local is not None:
            raise Broken(f"row {thing.row} and {other.number} were linked, but one of them has another side")
        thing.number, taken = other.number, other.remote or {}
        mine = {
            (child, key): thing.keys.of(child, None, number, other.keys.names[key])[0]
            for (child, number), key in other.keys.by_number.items()
        }
        thing.remote = {
            (child, mine.get((child, key), 0), name): tuple(mine[name, k] for k in value) if child == ORDER else value
            for (child, key, name), value in taken.items()
        }
        self.things.remove(other)

    def _made(self, number: int, side: Side, here: dict[int, Side]) -> None:
        """Shopify has a new product that no merchant made: ours, whose answer was lost."""
        for thing in self.things:
            ours = here.get(thing.row) if thing.row is not None else None
            waits = thing.number is None or thing.remote is None
            if ours is not None and waits and slug(ours.handle or ours.columns["title"]) == side.handle:
                thing.number, thing.remote = number, None
                return
        raise Broken(f"{side.handle} ({number}) came from nowhere on Shopify, or is doubled")


class _Check:
    """One product, before and after."""

    def __init__(self, thing: Thing, lines: Sequence[Line], complete: bool) -> None:
        self.thing, self.lines, self.complete = thing, lines, complete

    def run(self, ours: Side | None, theirs: Side | None) -> None:
        thing = self.thing
        new_local = thing.flat(ours) if ours is not None else None
        new_remote = thing.flat(theirs) if theirs is not None else None
        local, remote = thing.local, thing.remote  # after `flat`, which may have made two keys one
        if ours is not None and theirs is not None and local is not None:
            thing.keys.match(ours, theirs, remote or {})
            new_local, new_remote = thing.flat(ours), thing.flat(theirs)
        gone = ours is not None and ours.gone
        if local is not None and new_local is None:
            raise Broken("the sync deleted the row")
        if remote is not None and new_remote is None:
            raise Broken("the sync deleted it on Shopify")
        if local is not None and new_local is not None:
            if remote is not None and new_remote is not None:
                self._both(local, remote, new_local, new_remote)
            elif remote is None and not thing.bases:
                self._created(local, new_local, new_remote)
            else:
                self._deleted_there(local, new_local, new_remote, gone)
        elif remote is not None and new_remote is not None:
            if thing.was_here:
                self._deleted_here(remote, new_local, new_remote)
            elif new_local is None:
                self._must(not self.complete, "it did not arrive here")
            else:
                self._equal(remote, new_local, "arrived here as something else")
                self._same(remote, new_remote, "its pull changed it on Shopify")
                self._agree(new_local, new_remote)
        thing.local, thing.remote, thing.gone = new_local, new_remote, gone
        thing.was_here = thing.was_here or new_local is not None
        thing.shown = [line.path for line in self.lines if line.path]
        if self.complete:
            thing.decisions.clear()

    # what must be

    def _must(self, holds: bool, text: str) -> None:
        if not holds:
            raise Broken(text)

    def _same(self, before: Fields, after: Fields, text: str, but: Sequence[str] = ()) -> None:
        changed = [p for p in {*before, *after} if before.get(p) != after.get(p) and p[2] not in but]
        if changed:
            raise Broken(f"{text}: " + self._told(changed, before, after))

    def _equal(self, before: Fields, after: Fields, text: str) -> None:
        """The same, where a value that was left out may have become anything."""
        changed = [p for p in {*before, *after} if before.get(p) != after.get(p) and not _empty(before.get(p))]
        if changed:
            raise Broken(f"{text}: " + self._told(changed, before, after))

    def _told(self, paths: Sequence[Path], before: Fields, after: Fields) -> str:
        thing = self.thing
        told = [
            f"{thing.told(p)} {before.get(p)!r} -> {after.get(p)!r} (base {thing.base(p)})" for p in sorted(paths)[:6]
        ]
        return "; ".join(told)

    def _agree(self, local: Fields, remote: Fields) -> None:
        for path in {*local, *remote, *self.thing.bases}:
            if local.get(path) == remote.get(path):
                self.thing.agreed(path, local.get(path), certain=self.complete)

    def _whole(self) -> bool:
        """Whether a line says that the record as a whole is in dispute."""
        return any(line.path == "" for line in self.lines)

    # records

    def _created(self, local: Fields, new_local: Fields, new_remote: Fields | None) -> None:
        self._equal(local, new_local, "creating it changed it here")
        if new_remote is None:
            self._must(not self.complete, "it was not created on Shopify")
            return
        self._equal(local, new_remote, "it was created as something else")
        for path in {*local, *new_local, *new_remote}:
            if self.complete:
                self._must(new_local.get(path) == new_remote.get(path), f"{path} differs after its creation")
            self.thing.bases[path] = (
                {new_remote.get(path)} if self.complete else {None, local.get(path), new_remote.get(path)}
            )

    def _deleted_there(self, local: Fields, new_local: Fields, new_remote: Fields | None, gone: bool) -> None:
        thing = self.thing
        surely, maybe = bool(thing.edited(local)), bool(thing.edited(local, surely=False))
        take = thing.decisions.get("")
        self._equal(local, new_local, "it changed here, though Shopify has it no more")
        if new_remote is not None:
            self._must(take == "local", "it was made anew on Shopify, and nobody decided so")
            self._equal(local, new_remote, "it was made anew as something else")
            self._agree(new_local, new_remote)
            if self.complete:
                thing.bases = {p: {v} for p, v in new_remote.items()}
            return
        if gone and not thing.gone:
            self._must(not surely or take == "shopify", "edited here and deleted there, it was marked as deleted")
            thing.bases = {p: {v} for p, v in new_local.items()}
        elif not gone and thing.gone:
            raise Broken("it lives again here, and Shopify does not have it")
        elif not gone and self.complete:
            self._must(maybe, "it was deleted there and not edited here, and was not marked as deleted")
            self._must(self._whole(), "edited here, deleted there, and no conflict says so")
        elif gone and surely and self.complete and take != "shopify":
            self._must(self._whole(), "edited here after it was deleted there, and no conflict says so")

    def _deleted_here(self, remote: Fields, new_local: Fields | None, new_remote: Fields) -> None:
        thing = self.thing
        unseen = [path for path in thing.edited(remote) if not any(covers(line, path) for line in thing.shown)]
        surely, maybe = bool(unseen), bool(thing.edited(remote, surely=False))
        take = thing.decisions.get("")
        status: Path = ("", 0, "status")
        if new_local is not None:
            self._must(take == "shopify", "it was deleted here and came back")
            self._equal(remote, new_local, "it came back as something else")
            self._agree(new_local, new_remote)
            thing.buried = False
            if self.complete:
                thing.bases = {p: {v} for p, v in new_remote.items()}
            return
        self._same(remote, new_remote, "deleted here, it was changed there", but=("status",))
        archived = new_remote.get(status) == "ARCHIVED"
        if remote.get(status) != new_remote.get(status):
            self._must(archived, "deleted here, its status was changed")
            self._must(not surely or take == "local", "deleted here and edited there, it was archived unseen")
            thing.buried = True
        elif not archived and self.complete:
            self._must(maybe, "it was deleted here and not edited there, and was not archived")
            self._must(self._whole(), "deleted here, edited there, and no conflict says so")
        if archived and (take == "local" or not surely):
            thing.buried = True
        if thing.buried and archived:
            thing.bases = {p: {v} for p, v in new_remote.items()}

    # fields

    def _both(self, local: Fields, remote: Fields, new_local: Fields, new_remote: Fields) -> None:
        for path in sorted({p for p in (*local, *remote, *new_local, *new_remote) if not p[0]}):
            self._value(path, local, remote, new_local, new_remote)
        for child, key in units(local, remote, new_local, new_remote):
            self._element(child, key, local, remote, new_local, new_remote)
        if self.complete:
            for child in LISTS:
                self._ordered(child, local, remote, new_local, new_remote)
            self._justified(local, remote)
        self._agree(new_local, new_remote)

    def _take(self, path: Path) -> set[str]:
        return {take for where, take in self.thing.decisions.items() if covers(where, path)}

    def _open(self, path: Path) -> bool:
        return any(covers(line.path, path) for line in self.lines)

    def _grouped(self, path: Path) -> bool:
        """Options and variants that do not fit together stay as they are, all of them."""
        return path[0] in ("options", "variants") and any(line.path == "variants" for line in self.lines)

    def _value(self, path: Path, *sides: Fields) -> None:
        was_l, was_r, now_l, now_r = (side.get(path) for side in sides)
        bases, finals = self.thing.base(path), set()
        if was_l == was_r:
            finals = {(was_l, was_l)}
        else:
            finals |= {(was_r, was_r)} if was_l in bases or (path[2] == "handle" and not was_l) else set()
            finals |= {(was_l, was_l)} if was_r in bases else set()
        for take in self._take(path):
            won = was_l if take == "local" else was_r
            finals.add((won, won))
        clash = was_l != was_r and any(base not in (was_l, was_r) for base in bases)
        if (clash and self._open(path)) or self._grouped(path):
            finals.add((was_l, was_r))
        if self.complete:
            allowed = (now_l, now_r) in finals
        else:
            allowed = now_l in {was_l, *(f[0] for f in finals)} and now_r in {was_r, *(f[1] for f in finals)}
        if not allowed:
            raise Broken(
                f"{self.thing.told(path)}: here {was_l!r} -> {now_l!r}, there {was_r!r} -> {now_r!r}, agreed on "
                f"{bases}, decided {self._take(path) or 'nothing'}, conflicts {[line.path for line in self.lines]}"
            )

    def _element(self, child: str, key: int, *sides: Fields) -> None:
        whole: Path = (child, key, "")
        was_l, was_r, now_l, now_r = (side.get(whole) for side in sides)
        columns = sorted({p for side in sides for p in side if p[:2] == (child, key)})
        if bool(was_l) == bool(was_r):
            for path in columns:
                self._value(path, *sides)
            return
        survivor = sides[0] if was_l else sides[1]
        left, right = (now_l, now_r) if was_l else (now_r, now_l)
        thing = self.thing
        after = sides[2] if was_l else sides[3]
        if left:
            kept = {p: survivor.get(p) for p in columns}
            self._same(kept, {p: after.get(p) for p in columns}, f"{thing.told(whole)} changed on its way")
        surely = any(survivor.get(p) not in thing.base(p) for p in columns)
        maybe = any(thing.base(p) != {survivor.get(p)} for p in columns)
        once = True in thing.base(whole)
        new = None in thing.base(whole)
        takes = self._take(whole) | {take for p in columns for take in self._take(p)}
        stays = "local" if was_l else "shopify"
        deleted = bool(takes - {stays}) or (once and not surely)
        spread = stays in takes or new
        clash = (once and maybe and any(self._open(p) for p in columns)) or self._grouped(whole)
        ends: set[tuple[Any, Any]] = {(None, None)} if deleted else set()
        ends |= {(True, True)} if spread else set()
        ends |= {(True, None)} if clash else set()
        done = (left, right) in ends
        if not self.complete:
            done = left in {True, *(e[0] for e in ends)} and right in {None, *(e[1] for e in ends)}
        if not done:
            raise Broken(
                f"{thing.told(whole)} is only {'here' if was_l else 'there'}: now {bool(now_l)} here, {bool(now_r)} "
                f"there; edited {surely}/{maybe}, was on both {once}/{not new}, decided {takes or 'nothing'}, "
                f"conflicts {[line.path for line in self.lines]}"
            )

    def _ordered(self, child: str, *sides: Fields) -> None:
        """Who moved elements decides their order; where both did, differently, a conflict says so."""
        path: Path = (ORDER, 0, child)
        bases, orders = self.thing.base(path), [side.get(path) or () for side in sides]
        if len(bases) != 1 or bases == {None} or self._grouped((child, 0, "")):
            return
        (base,) = bases
        common = set(base).intersection(*orders)
        agreed, was_l, was_r, now_l, now_r = ([key for key in one if key in common] for one in (base, *orders))
        open_or_decided = [line.path for line in self.lines] + list(self.thing.decisions)
        if f"{child}.order" in open_or_decided or child in open_or_decided:
            return
        wanted = was_r if was_l == agreed else was_l
        if now_l != wanted or now_r != wanted or (agreed not in (was_l, was_r) and was_l != was_r):
            raise Broken(f"{child}.order: here {was_l} -> {now_l}, there {was_r} -> {now_r}, agreed on {agreed}")

    def _justified(self, local: Fields, remote: Fields) -> None:
        """No conflict where only one side moved."""
        moved = [
            {p for p in {*side, *self.thing.bases} if self.thing.base(p) != {side.get(p)}} for side in (local, remote)
        ]
        for line in self.lines:
            if line.path.endswith(".order") or line.path == "":
                continue
            found = [[p for p in side if covers(line.path, p)] for side in moved]
            if not all(found):
                side = "here" if not found[0] else "there"
                raise Broken(f"a conflict about {line.path}, though nothing was changed {side}")


def _empty(value: Any) -> bool:
    return value in (None, "", False) or value == ()
