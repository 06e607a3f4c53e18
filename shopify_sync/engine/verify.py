"""Verify: the proof that both sides hold the same, and the records and fields in which they do not.

The proof has three steps, and its cost grows with the differences, but for a light listing:

1. both sides are counted;
2. ids and `updatedAt` of all records on Shopify, 250 a page, are compared with what is stored, by a digest for each
   range of ids; ranges whose digests differ are halved down to the records. Only these are read whole and compared
   field by field, and so are those that were read so soon after their last change that a second change within the
   same second would not show (`own.certain`);
3. the rows of every unchanged record are held against its own base, what Shopify had when it was last read. That
   finds what no trigger saw, and costs no request.

What it can't see: something that Shopify changes without moving the record's `updatedAt`. For that, `deep` reads
every field of every record. What changes while this runs is looked at again before it is called different.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from shopify_sync.engine.chunks import Context
from shopify_sync.engine.differences import differences
from shopify_sync.engine.own import certain
from shopify_sync.engine.ports import Holdings
from shopify_sync.engine.ranges import Digest, Stamp, differing
from shopify_sync.records import Difference, Listed, LocalRecord, Node, Proof, Stored, Unequal
from shopify_sync.records.proofs import ALTERED, AMBIGUOUS, BOTH, DISPUTED, ON_SHOPIFY, REFUSED, UNKNOWN, WAITS
from shopify_sync.spec import record_of, shopify_id, updated_at

PAGE = 250  # the most that a connection gives; a light page of it costs 13 points
# A record that changes faster than it can be looked at is told as it was seen last.
LOOKS = 3
# Records that only Shopify has are read whole for their names; beyond so many, their ids have to do.
NAMED = 100
# The worst word of a record's fields is the record's.
_WORST = (ALTERED, UNKNOWN, BOTH, REFUSED, WAITS, ON_SHOPIFY, DISPUTED)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """`deep` reads every record whole. `only` restricts to records: (local ids, Shopify ids)."""

    deep: bool = False
    only: tuple[Sequence[int], Sequence[int]] | None = None


@dataclass
class Verify:
    """One comparison. `run` fills the proof and the result's counts and writes nothing; it raises what stops it."""

    context: Context
    holdings: Holdings
    options: VerifyOptions
    proof: Proof = field(init=False)
    # Records to be looked at, {local id: Shopify id}: with Shopify's answer, or with what it last was known to have.
    _fetch: dict[int, int] = field(default_factory=dict)
    _compare: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.entity, self.remote = self.context.entity, self.context.remote
        self.proof = Proof(self.entity.name, self.options.deep)
        self._missing: list[Listed] = []
        self._extra: list[Stored] = []
        self._digests = (Digest(), Digest())

    def run(self) -> None:
        progress, only = self.context.progress, self.options.only
        counted = self.remote.count(None) if only is None else None
        progress.start(f"verify {self.entity.name}", counted)
        try:
            for here, there in self._pages() if only is None else self._some(*only):
                self._range(here, there)
                progress.advance(len(there), points=self.remote.use.points)
            self._rows(only)
            self._absent()
            self._look(self._fetch, whole=True)
            self._look({k: v for k, v in self._compare.items() if k not in self._fetch}, whole=False)
        finally:
            progress.finish()
        self._conclude(counted)

    # step 2: listings

    def _pages(self) -> Iterator[tuple[list[Stored], dict[int, Listed]]]:
        """What both sides have in each range of ids, ascending and without gaps."""
        cursor: str | None = None
        low = 0
        while True:
            page = self.remote.enumerate(cursor, PAGE)
            self.proof.as_of = self.proof.as_of or page.served_at
            there = {item.shopify_id: item for item in page.items if item.shopify_id > low}
            high = max(there, default=low) if page.more else None
            yield self.holdings.stored(low, high), there
            if high is None:
                break
            low, cursor = high, page.cursor
        after = 0
        while new := self.holdings.unlinked(after, PAGE):
            after = new[-1].local_id
            yield new, {}

    def _some(
        self, local_ids: Sequence[int], shopify_ids: Sequence[int]
    ) -> Iterator[tuple[list[Stored], dict[int, Listed]]]:
        here = self.holdings.some(local_ids, shopify_ids)
        wanted = {*shopify_ids, *(row.shopify_id for row in here if row.shopify_id is not None)}
        there = self.remote.stamps(sorted(wanted)) if wanted else {}
        self.proof.as_of = self.remote.served_at
        yield here, dict(sorted(there.items()))

    def _range(self, here: Sequence[Stored], there: dict[int, Listed]) -> None:
        linked = {row.shopify_id: row for row in here if row.shopify_id is not None}
        ours: list[Stamp] = [(number, _second(row.updated_at)) for number, row in linked.items()]
        theirs: list[Stamp] = [(number, _second(item.updated_at)) for number, item in there.items()]
        self.proof.here += len(here)
        self.proof.shopify += len(there)
        self._extra += [row for row in here if row.shopify_id is None]
        for number in differing(ours, theirs):
            if number not in linked:
                self._missing.append(there[number])
            elif number not in there:
                self._extra.append(linked[number])
            else:
                self._fetch[linked[number].local_id] = number
        for number, row in linked.items():
            if number not in there or row.local_id in self._fetch:
                continue
            if self.options.deep or not certain(row.read_at, there[number].updated_at):
                self._fetch[row.local_id] = number
            elif row.dirty:
                self._compare[row.local_id] = number
        for digest, stamps in zip(self._digests, (ours, theirs), strict=True):
            digest.add(stamps)
        if self.options.deep:
            self._look(self._fetch, whole=True)
            self._fetch = {}

    # step 3: rows against their base

    def _rows(self, only: tuple[Sequence[int], Sequence[int]] | None) -> None:
        """In `deep`, rows were already held against Shopify itself; only damaged bases are left to be found."""
        chosen = None
        if only is not None:
            chosen = [row.local_id for row in self.holdings.some(*only)]
        for _, altered, damaged in self.holdings.altered(chosen):
            wanted = [*damaged, *(local_id for local_id in altered if not self.options.deep)]
            for record in self.holdings.records(wanted) if wanted else ():
                if record.shopify_id is None:
                    continue
                unsound = record.local_id in damaged or record.seen is None
                if unsound:
                    self.proof.damaged[record.local_id] = record.shopify_id
                (self._fetch if unsound else self._compare)[record.local_id] = record.shopify_id

    # records of one side only

    def _absent(self) -> None:
        """Listings lag behind writes, and time goes by: both sides are asked again before a record counts as absent."""
        for at in range(0, len(self._missing), PAGE):
            self._only_there(self._missing[at : at + PAGE])
        for at in range(0, len(self._extra), PAGE):
            self._only_here(self._extra[at : at + PAGE])

    def _only_there(self, items: Sequence[Listed]) -> None:
        ids = [item.shopify_id for item in items]
        still = self.remote.stamps(ids)
        self.proof.shopify -= sum(number not in still for number in ids)
        arrived = {row.shopify_id: row for row in self.holdings.some((), ids)}
        self.proof.here += len(arrived)
        tombs = self.holdings.entombed(ids)
        disputes = self.holdings.disputes([t.local_id for t in tombs.values() if t.local_id is not None])
        new: list[int] = []
        alike = self.holdings.ambiguous()[1]
        for number in still:
            if (row := arrived.get(number)) is not None:
                self._fetch[row.local_id] = number
            elif number in alike:
                self._tell("missing", self._names([number])[number], None, number, AMBIGUOUS, conflict_id=alike[number])
            elif (tomb := tombs.get(number)) is None:
                new.append(number)
            elif number_of := disputes.get(tomb.local_id or 0, {}).get(""):
                self._tell("missing", tomb.key, tomb.local_id, number, DISPUTED, conflict_id=number_of)
            elif tomb.handled or self.context.deletes.local == "ignore":
                self.proof.left += 1
            else:
                self._tell("missing", tomb.key, tomb.local_id, number, WAITS)
        names = self._names(new[: max(0, NAMED - len(self.proof.of("missing")))])
        for number in new:
            self._tell("missing", names.get(number, ""), None, number, ON_SHOPIFY)

    def _names(self, ids: list[int]) -> dict[int, str]:
        found: dict[int, str] = {}
        for chunk in self._cut(ids):
            for node in self.remote.fetch(chunk).nodes:
                found[shopify_id(node)] = str(record_of(self.entity, node)[self.entity.natural_key] or "")
            self.proof.read += len(chunk)
        return found

    def _only_here(self, rows: Sequence[Stored]) -> None:
        now = {row.local_id: row for row in self.holdings.some([row.local_id for row in rows], ())}
        self.proof.here -= sum(row.local_id not in now for row in rows)
        numbers = [row.shopify_id for row in now.values() if row.shopify_id is not None]
        still = self.remote.stamps(numbers) if numbers else {}
        disputes = self.holdings.disputes(list(now))
        alike = self.holdings.ambiguous()[0]
        for local_id, row in now.items():
            number = disputes.get(local_id, {}).get("")
            if row.shopify_id is not None and row.shopify_id in still:
                self.proof.shopify += 1
                self._fetch[local_id] = row.shopify_id
            elif local_id in alike and row.shopify_id is None:
                self._tell("extra", row.key, local_id, None, AMBIGUOUS, conflict_id=alike[local_id])
            elif number is not None:
                self._tell("extra", row.key, local_id, row.shopify_id, DISPUTED, conflict_id=number)
            else:
                here = REFUSED if row.refused else WAITS if row.dirty else ALTERED
                self._tell("extra", row.key, local_id, row.shopify_id, ON_SHOPIFY if row.shopify_id else here)

    # records of both sides

    def _look(self, wanted: dict[int, int], *, whole: bool) -> None:
        for chunk in self._cut(sorted(wanted)) if whole else _pieces(sorted(wanted), PAGE):
            self._chunk({local_id: wanted[local_id] for local_id in chunk}, whole=whole)

    def _chunk(self, wanted: dict[int, int], *, whole: bool) -> None:
        """Compare; what differs is only told when neither side has moved since it was read."""
        for look in range(1, LOOKS + 1):
            nodes = self._nodes(list(wanted.values())) if whole else {}
            rows = [row for row in self._read(list(wanted)) if not row.deleted]
            disputes = self.holdings.disputes([row.local_id for row in rows])
            found: dict[int, tuple[LocalRecord, tuple[Difference, ...] | None]] = {}
            for row in rows:
                node = nodes.get(wanted[row.local_id])
                if whole and node is None:
                    found[row.local_id] = (row, None)
                elif told := differences(self.entity, row, node, disputes.get(row.local_id, {})):
                    found[row.local_id] = (row, told)
            moved = self._moved({local_id: one[0] for local_id, one in found.items()}, nodes) if found else set()
            for local_id, (row, told_of) in found.items():
                if local_id not in moved or look == LOOKS:
                    self._unequal(row, told_of, disputes.get(local_id, {}))
            wanted = {local_id: number for local_id, number in wanted.items() if local_id in moved}
            if not wanted:
                return

    def _read(self, local_ids: list[int]) -> list[LocalRecord]:
        """Rows with their base; without it where it can't be trusted."""
        return [
            replace(row, seen=None, node=None) if row.local_id in self.proof.damaged else row
            for row in self.holdings.records(local_ids)
        ]

    def _nodes(self, ids: list[int]) -> dict[int, Node]:
        self.proof.read += len(ids)
        return {shopify_id(node): node for node in self.remote.fetch(ids).nodes}

    def _moved(self, rows: dict[int, LocalRecord], nodes: dict[int, Node]) -> set[int]:
        """Those that changed on either side since they were read for the comparison."""
        now = {row.local_id: row for row in self._read(list(rows))}
        numbers = [n for row in rows.values() if (n := row.shopify_id) is not None and n in nodes]
        stamps = self.remote.stamps(numbers) if numbers else {}
        found = set()
        for local_id, row in rows.items():
            if local_id not in now or _version(now[local_id]) != _version(row):
                found.add(local_id)
            elif row.shopify_id in nodes:
                stamp = stamps.get(row.shopify_id)
                if stamp is None or stamp.updated_at != updated_at(nodes[row.shopify_id]):
                    found.add(local_id)
        return found

    def _unequal(self, row: LocalRecord, told: tuple[Difference, ...] | None, disputes: dict[str, int]) -> None:
        if told is None:
            self.proof.shopify -= 1
            number = disputes.get("")
            why = ON_SHOPIFY if number is None else DISPUTED
            self._tell("extra", row.key, row.local_id, row.shopify_id, why, conflict_id=number)
            return
        why = next(word for word in _WORST if any(line.why == word for line in told))
        self._tell("different", row.key, row.local_id, row.shopify_id, why, told)

    def _tell(
        self,
        kind: str,
        key: str,
        local_id: int | None,
        number: int | None,
        why: str,
        told: tuple[Difference, ...] = (),
        *,
        conflict_id: int | None = None,
    ) -> None:
        self.proof.unequal.append(Unequal(kind, key, local_id, number, why, told, conflict_id))

    def _conclude(self, counted: int | None) -> None:
        proof, counts = self.proof, self.context.result.counts
        proof.whole = True
        proof.digests = (self._digests[0].hex(), self._digests[1].hex())
        proof.waiting = self.holdings.waiting()
        if counted is not None and counted != proof.shopify:
            proof.notes.append(f"Shopify counts {counted:,} {self.entity.name}, its listing has {proof.shopify:,}")
        counts.seen = max(proof.here, proof.shopify - proof.left)
        counts.conflicts = sum(item.disputed for item in proof.unequal) or proof.waiting["conflicts"]
        counts.failed = sum(not item.disputed for item in proof.unequal)
        counts.unchanged = max(0, proof.here - proof.count("extra") - proof.count("different"))

    def _cut(self, ids: list[int]) -> Iterator[list[int]]:
        at = 0
        while at < len(ids):
            size = self.remote.fetch_size()
            yield ids[at : at + size]
            at += size


def _pieces(ids: list[int], size: int) -> Iterator[list[int]]:
    for at in range(0, len(ids), size):
        yield ids[at : at + size]


def _second(moment: object) -> int:
    stamp = getattr(moment, "timestamp", None)
    return int(stamp()) if stamp is not None else -1


def _version(row: LocalRecord) -> tuple[object, ...]:
    """What moves when anybody writes to a record. Its rows are read one table after the other, so a write between
    two of them makes a record that never was; then these differ at the next look."""
    return row.local_rev, row.dirty, row.deleted, row.held_rev, row.read_at, row.updated_at, row.record, row.node
