"""Two sorted lists of stamps compared by digests: equal ranges cost one digest, others are halved down to records."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TypeAlias

# A record's id and the second of its last change; -1 where no time is known.
Stamp: TypeAlias = tuple[int, int]
_LEAF = 8  # so few are compared one by one: a digest of them would be no cheaper


class Digest:
    """The digest of a growing list of stamps, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)

    def add(self, stamps: Iterable[Stamp]) -> None:
        self._hash.update(b"".join(b"%d:%d;" % stamp for stamp in stamps))

    def hex(self) -> str:
        return self._hash.hexdigest()


def digest(stamps: Sequence[Stamp]) -> str:
    made = Digest()
    made.add(stamps)
    return made.hex()


def differing(here: Sequence[Stamp], there: Sequence[Stamp]) -> list[int]:
    """Ids, ascending, that only one list has or that have another time in each. Both lists are in order of ids."""
    if digest(here) == digest(there):
        return []
    if len(here) + len(there) <= _LEAF or not here or not there:
        return sorted({stamp[0] for stamp in set(here) ^ set(there)})
    longer = max(here, there, key=len)
    middle = longer[(len(longer) - 1) // 2][0]
    at, to = (bisect_right(side, middle, key=lambda stamp: stamp[0]) for side in (here, there))
    if at == len(here) and to == len(there):  # one id many times
        return sorted({stamp[0] for stamp in set(here) ^ set(there)})
    return differing(here[:at], there[:to]) + differing(here[at:], there[to:])
