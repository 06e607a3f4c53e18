"""Fetches the result of a bulk operation: quick, in flat memory, and never less than the whole.

    first try   GET, gzip welcome                        200, from the start
    after a cut GET, Range from a little before the cut  206, that little is compared, the rest is appended
                                                         200, the server knows no ranges: compared up to the cut
    refused     400, 403, 404: the address is too old    once more, with the address that Shopify tells now

What is compared makes sure that the part, which may stem from a process that was killed, belongs to this file; where it
does not, the download starts over. Source: shopify-admin-api.md C.1, C.3; that addresses are those of Google's storage,
which has ranges, was recorded (bulk-operation-run-query-group-objects).
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from shopify_sync.errors import ResultGone, Unreachable
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.shopify.bulk.local import Lines, Part, Progress
from shopify_sync.shopify.errors import unreachable
from shopify_sync.shopify.transports.files import FileAnswer, FileTransport, refusal
from shopify_sync.shopify.transports.throttle import Waiter

log = logging.getLogger(__name__)
BLOCK = 1 << 19  # bytes that are unpacked, written, counted and handed on at once
OVERLAP = 1 << 16  # bytes before a cut that are fetched again, to be compared
TRIES = 6  # in a row that bring next to nothing
_WORTH = 1 << 18  # bytes that make a try worth it
_MOST_WAIT_S = 60.0
# A connection that brings less than this in that time is as good as cut; the client's time-out is for each piece.
_STALL_S, _STALL_BYTES = 60.0, 1 << 16
_TOO_OLD = (400, 401, 403, 404, 410)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class _Refused(Exception):
    """The address is too old, or was never good; `why` is storage's reason."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class _Other(Exception):
    """What is there is no part of this file."""


class Download:
    """One file. `expected`: its size in bytes, unpacked, where Shopify tells; `renew` asks for a fresh address."""

    def __init__(
        self,
        files: FileTransport,
        waiter: Waiter,
        backoff: Backoff,
        *,
        what: str,
        url: str,
        renew: Callable[[], str | None],
        expected: int | None,
        packed: bool = True,
    ) -> None:
        self.files, self.waiter, self.clock, self.backoff = files, waiter, waiter.clock, backoff
        self.what, self.url, self.renew, self.expected, self.packed = what, url, renew, expected, packed
        self.tag = ""
        self.ranges = True
        self.total: int | None = expected

    def run(
        self, target: Path, number: int, lines: Callable[[bytes], None] | None = None, progress: Progress | None = None
    ) -> None:
        """Bring it to `target`. Raises Unreachable, ResultGone, RequestRefused, LocalFileError."""
        with Part(target, number) as part:
            given = None if lines is None else Lines(lines)
            if self.expected is not None:
                part.room_for(self.expected)
            self._fetch(part, given, progress)
            if given is not None:
                given.end()
            part.finish()

    def _fetch(self, part: Part, given: Lines | None, progress: Progress | None) -> None:
        failures, best, renewed = 0, part.have, False
        while True:
            try:
                self._attempt(part, given, progress)
                return
            except _Refused as refused:
                url = None if renewed else self.renew()
                renewed = True
                if url is None:
                    raise self._gone(refused.why) from None
                log.info("%s: its address is refused; asked Shopify for a fresh one", self.what)
                self.url = url
                continue
            except _Other:
                error = unreachable(
                    "torn_read", self.files.host(self.url), detail="the file is another one than before"
                )
                if given is not None and given.upto:
                    raise error from None  # what was handed on can't be taken back
                log.info("%s: what is there is no part of it; starting over", self.what)
                part.clear()
            except Unreachable as failure:
                error = failure
            if part.have >= best + _WORTH:
                best, failures = part.have, 0
            failures += 1
            if failures >= TRIES:
                raise error
            log.info("%s: %s, %s bytes are there; trying again", self.what, error.what, part.have)
            asked = error.retry_after_s
            wait_s = self.backoff.delay(failures) if asked is None else min(max(asked, 0.0), _MOST_WAIT_S)
            self.waiter.wait(wait_s, "before trying again")

    def _attempt(self, part: Part, given: Lines | None, progress: Progress | None) -> None:
        """One request, and what it brings. Returns when the file is whole."""
        start = max(0, part.have - OVERLAP) if self.ranges else 0
        headers = {"Accept-Encoding": "gzip" if self.packed and not start else "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with self.files.get(self.url, headers) as answer:
            at = self._begin(answer, part)
            encoding = answer.headers.get("content-encoding", "identity").strip().lower()
            for block in blocks(self._unpacked(self._lively(answer), encoding, answer.host)):
                fresh = self._compared(block, at, part)
                at += len(block)
                if fresh:
                    self._hand_on(part, given)
                    part.append(fresh)
                    if given is not None:
                        given.feed(fresh)
                if progress is not None:
                    progress(part.have, self.total)
            if at < (self.total or 0) or at < (self.expected or 0):
                raise unreachable("truncated", answer.host, detail=f"{at:,} bytes came of {self.total or 0:,}")
            if at < part.have:
                raise _Other
        self._hand_on(part, given)
        if self.expected is not None and at > self.expected:
            log.warning("%s: %s bytes came, Shopify told of %s", self.what, at, self.expected)

    def _begin(self, answer: FileAnswer, part: Part) -> int:
        """Where in the file the body of this answer starts. Raises _Refused, _Other, Unreachable, RequestRefused."""
        if answer.status in _TOO_OLD:
            raise _Refused(f"HTTP {answer.status} {answer.reason()}".strip())
        if answer.status == 416 and part.have:
            raise _Other
        if answer.status not in (200, 206):
            raise refusal(answer)
        plain = answer.headers.get("content-encoding", "identity").strip().lower() == "identity"
        at, total = 0, answer.headers.get("content-length", "")
        if answer.status == 206:
            found = _RANGE.fullmatch(answer.headers.get("content-range", "").strip())
            if found is None or int(found[1]) > part.have or not plain:
                # Ranges of something else than the file, e.g. of its packed form.
                self.ranges = False
                raise unreachable("truncated", answer.host, detail="it sent another range than was asked for")
            at, total = int(found[1]), found[3]
        self.total = int(total) if plain and total.isdigit() else self.expected
        tag = answer.headers.get("etag", "") if plain else ""
        if tag and self.tag and tag != self.tag:
            self.tag = tag
            raise _Other
        self.tag = tag or self.tag
        return at

    def _compared(self, block: bytes, at: int, part: Part) -> bytes:
        """What of a block is new. Raises _Other where the rest is not what is there."""
        known = min(len(block), max(0, part.have - at))
        if known and part.read(at, known) != block[:known]:
            raise _Other
        return block[known:] if known else block

    def _hand_on(self, part: Part, given: Lines | None) -> None:
        """Hand on what was there before, now that it is known to belong to the file."""
        while given is not None and given.upto < part.have:
            given.feed(part.read(given.upto, min(BLOCK, part.have - given.upto)))

    def _lively(self, answer: FileAnswer) -> Iterator[bytes]:
        """The pieces, as long as they come at a bearable rate."""
        since, got = self.clock.monotonic(), 0
        for piece in answer.pieces():
            yield piece
            got += len(piece)
            if got >= _STALL_BYTES:
                since, got = self.clock.monotonic(), 0
            elif self.clock.monotonic() - since > _STALL_S:
                raise unreachable("read_timeout", answer.host, detail="it sends next to nothing")

    def _unpacked(self, pieces: Iterable[bytes], encoding: str, host: str) -> Iterator[bytes]:
        if encoding in ("gzip", "x-gzip"):
            return unpacked(pieces, host)
        if encoding not in ("", "identity"):
            raise unreachable("not_json", host, detail="it packs the file in a way that was not asked for")
        return iter(pieces)

    def _gone(self, why: str) -> ResultGone:
        return ResultGone(
            f"{self.what} can't be fetched any more",
            why=f"the address is refused: {why}; results are kept for 7 days",
            next="run the command again, so that Shopify makes it anew",
        )


def blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Pieces put together to at least BLOCK bytes. What came before a cut is kept, then Unreachable raised."""
    held: list[bytes] = []
    size = 0
    cut: Unreachable | None = None
    try:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size >= BLOCK:
                yield b"".join(held)
                held, size = [], 0
    except Unreachable as error:
        cut = error
    if held:
        yield b"".join(held)
    if cut is not None:
        raise cut


def unpacked(pieces: Iterable[bytes], host: str) -> Iterator[bytes]:
    """What gzip packed, at most BLOCK bytes at once however well it packs.

    Raises Unreachable when the stream ends before its end, _Other when it is damaged.
    """
    unpacker = zlib.decompressobj(31)
    begun = False
    try:
        for piece in pieces:
            waiting = piece
            while waiting:
                if unpacker.eof:  # gzip may hold several members, one behind the other
                    unpacker = zlib.decompressobj(31)
                begun = True
                yield unpacker.decompress(waiting, BLOCK)
                waiting = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error:
        raise _Other from None
    if begun and not unpacker.eof:
        raise unreachable("truncated", host)
