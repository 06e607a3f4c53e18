"""Downloads from servers that do as they like: what is asked of them, and what is believed of their answers."""

from __future__ import annotations

import gzip
import re
import socket
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from shopify_sync import __version__
from shopify_sync.clock import ManualClock
from shopify_sync.errors import RequestRefused, SyncError, Unreachable
from shopify_sync.records import ApiUse
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.shopify.bulk.download import BLOCK, OVERLAP, TRIES, Download
from shopify_sync.shopify.transports.files import FileTransport
from shopify_sync.shopify.transports.throttle import Waiter
from tests.shopify.bulk_bench import jsonl
from tests.shopify.script import Script, Step, reply, reset

FILE = jsonl(400_000)
HALF = len(FILE) // 2
Fetch: TypeAlias = Callable[..., bytes]


@pytest.fixture
def files() -> Iterator[FileTransport]:
    made = FileTransport(5.0, tls_only=False)
    yield made
    made.close()


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "result.jsonl"


@pytest.fixture
def fetch(script: Script, files: FileTransport, clock: ManualClock, to: Path) -> Fetch:
    """Download what the script serves; keywords are those of `Download` and `run`. Nothing is known of the size."""

    def go(*, lines: Any = None, progress: Any = None, **options: Any) -> bytes:
        settings: dict[str, Any] = {
            "what": "it",
            "url": f"{script.url}/file?Signature=CANARY",
            "renew": lambda: None,
            "expected": None,
        }
        Download(files, Waiter(clock, ApiUse()), Backoff(), **settings | options).run(to, 1, lines, progress)
        return to.read_bytes()

    return go


def part(content: bytes, start: int = 0, *, total: str = "", **headers: str) -> Step:
    """206 with everything from `start` on."""
    told = f"bytes {start}-{len(content) - 1}/{total or len(content)}"
    return reply(content[start:], 206, **{"Content-Range": told, **headers})


def broken(content: bytes, length: int | None = None, status: int = 200, **headers: str) -> Step:
    """An answer that ends after `content`, though it was to have `length` bytes; without: it has no length."""

    def step(connection: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {status} X", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
        if length is not None:
            lines.append(f"Content-Length: {length}")
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + content)
        return False

    return step


def test_what_is_asked(script: Script, fetch: Fetch) -> None:
    """Packed from the start; as it is from a little before the cut. Nothing that only Shopify may know."""
    script.then(broken(FILE[:HALF], len(FILE)), part(FILE, HALF - OVERLAP))
    assert fetch() == FILE
    first, second = script.seen
    assert first.line == "GET /file?Signature=CANARY HTTP/1.1"
    assert first.headers["accept-encoding"] == "gzip"
    assert "range" not in first.headers
    assert second.headers["accept-encoding"] == "identity"
    assert second.headers["range"] == f"bytes={HALF - OVERLAP}-"
    for request in script.seen:
        assert request.headers["user-agent"] == f"shopify-sync/{__version__}"
        assert set(request.headers) <= {
            "host", "accept", "accept-encoding", "connection", "user-agent", "range",
        }  # fmt: skip


def test_nothing_packed_on_request(script: Script, fetch: Fetch) -> None:
    script.then(reply(FILE))
    assert fetch(packed=False) == FILE
    assert script.seen[0].headers["accept-encoding"] == "identity"


# Ranges


def test_a_server_without_ranges(script: Script, fetch: Fetch) -> None:
    """It sends all again; what is there is compared, and each line is handed on once."""
    given = list[bytes]()
    script.then(broken(FILE[:HALF], len(FILE)), reply(FILE))
    assert fetch(lines=given.append) == FILE == b"".join(given)
    given.clear()
    script.then(broken(FILE[:HALF], len(FILE)), reply(gzip.compress(FILE), 200, **{"Content-Encoding": "gzip"}))
    script.steps.pop(0)
    assert fetch(lines=given.append) == FILE == b"".join(given)


@pytest.mark.parametrize(
    "answer",
    [
        part(FILE, HALF + 10),
        reply(FILE[HALF:], 206),
        reply(FILE[HALF:], 206, **{"Content-Range": "bytes x-y/z"}),
        part(gzip.compress(FILE), 100, **{"Content-Encoding": "gzip"}),
    ],
    ids=["behind", "unnamed", "malformed", "of the packed form"],
)
def test_a_range_that_was_not_asked_for(script: Script, fetch: Fetch, answer: Step) -> None:
    """After it no more ranges are asked for; what is there is kept."""
    given = list[bytes]()
    script.then(broken(FILE[:HALF], len(FILE)), answer, reply(FILE))
    assert fetch(lines=given.append) == FILE == b"".join(given)
    assert ["range" in request.headers for request in script.seen] == [False, True, False]


def test_a_range_that_starts_earlier_or_ends_earlier(script: Script, fetch: Fetch) -> None:
    """Both are good for something; so is one whose file has no known length."""
    cut = HALF + 50_000
    shorter = reply(FILE[HALF - OVERLAP : cut], 206, **{"Content-Range": f"bytes {HALF - OVERLAP}-{cut}/{len(FILE)}"})
    script.then(broken(FILE[:HALF], len(FILE)), shorter, part(FILE, 100, total="*"))
    assert fetch() == FILE
    assert script.seen[2].headers["range"] == f"bytes={cut - OVERLAP}-"


def test_a_file_that_changes_under_way(script: Script, fetch: Fetch) -> None:
    """By its tag, or by what is compared: all is fetched anew."""
    other = FILE.replace(b"Product", b"product")
    for first, second in (
        (broken(FILE[:HALF], len(FILE), ETag='"1"'), part(other, HALF - OVERLAP, ETag='"2"')),
        (broken(FILE[:HALF], len(FILE)), part(other, HALF - OVERLAP)),
        (broken(FILE[:HALF], len(FILE), ETag='"1"'), reply(other, ETag='"2"')),
    ):
        script.steps.clear()
        script.then(first, second, reply(other, ETag='"2"'))
        assert fetch() == other


def test_lines_that_were_handed_on_cant_be_taken_back(script: Script, fetch: Fetch, to: Path) -> None:
    script.then(broken(FILE[:HALF], len(FILE), ETag='"1"'), part(FILE, HALF - OVERLAP, ETag='"2"'), reply(FILE))
    with pytest.raises(Unreachable, match="changed while it was read") as caught:
        fetch(lines=lambda block: None)
    assert caught.value.kind == "torn_read"
    assert not to.exists()


def test_a_file_without_a_length(script: Script, fetch: Fetch, to: Path) -> None:
    """Its end is the connection's; only what Shopify told of its size can say that this was too early."""
    script.then(broken(FILE))
    assert fetch(expected=len(FILE)) == FILE
    assert fetch() == FILE
    to.unlink()
    script.then(broken(FILE[:HALF]), part(FILE, HALF - OVERLAP))
    script.steps.pop(0)
    assert fetch(expected=len(FILE)) == FILE


def test_progress_knows_the_whole_where_anybody_told(script: Script, fetch: Fetch) -> None:
    told = list[int | None]()
    script.then(reply(FILE), broken(FILE))
    fetch(progress=lambda had, total: told.append(total))
    fetch(progress=lambda had, total: told.append(total))
    fetch(progress=lambda had, total: told.append(total), expected=len(FILE))
    assert told == [len(FILE), None, len(FILE)]


# Packed


def test_a_packed_file_in_several_members(script: Script, fetch: Fetch) -> None:
    packed = gzip.compress(FILE[:HALF]) + gzip.compress(FILE[HALF:])
    script.then(reply(packed, 200, **{"Content-Encoding": "GZIP"}))
    assert fetch(expected=len(FILE)) == FILE


def test_a_packed_file_that_ends_too_early(script: Script, fetch: Fetch) -> None:
    """Although its length is as told: what has come is kept."""
    packed = gzip.compress(FILE)
    script.then(reply(packed[: len(packed) * 3 // 4], 200, **{"Content-Encoding": "gzip"}), part(FILE, 0))
    assert fetch() == FILE
    start = re.fullmatch(r"bytes=(\d+)-", script.seen[1].headers["range"])
    assert start is not None
    assert int(start[1]) > HALF


@pytest.mark.parametrize("at", [30, -6, 100_000], ids=["its start", "its checksum", "its middle"])
def test_a_packed_file_that_is_damaged(script: Script, fetch: Fetch, at: int) -> None:
    """Nobody knows what of it was right."""
    packed = bytearray(gzip.compress(FILE))
    packed[at] ^= 0xFF
    script.then(reply(bytes(packed), 200, **{"Content-Encoding": "gzip"}), reply(FILE))
    assert fetch() == FILE


def test_an_empty_packed_file(script: Script, fetch: Fetch) -> None:
    script.then(
        reply(b"", 200, **{"Content-Encoding": "gzip"}), reply(gzip.compress(b""), 200, **{"Content-Encoding": "gzip"})
    )
    assert fetch() == b""
    assert fetch() == b""


def test_memory_is_flat_however_well_it_packs(script: Script, fetch: Fetch) -> None:
    """60 MB in 60 kB."""
    block = b'{"id":1}\n' * 100_000
    size, taken, peaks = len(block) * 66, list[int](), list[int]()
    script.then(reply(gzip.compress(block * 66), 200, **{"Content-Encoding": "gzip"}))

    def take(got: bytes) -> None:
        taken.append(len(got))
        peaks.append(tracemalloc.get_traced_memory()[1])

    tracemalloc.start()
    try:
        fetch(lines=take, expected=size)
    finally:
        tracemalloc.stop()
    assert sum(taken) == size
    assert max(taken) < 3 * BLOCK
    assert peaks[-1] < 8 * BLOCK


def test_an_encoding_that_nobody_asked_for(script: Script, fetch: Fetch) -> None:
    script.then(reply(FILE, 200, **{"Content-Encoding": "br"}))
    with pytest.raises(Unreachable):
        fetch()
    assert len(script.seen) == TRIES


# Lines


def test_lines_are_handed_on_whole(script: Script, fetch: Fetch) -> None:
    """One longer than a block, an empty one, one of odd line separators, and a last one without its end."""
    content = b'{"a":"\xe2\x80\xa8\x0b\x85"}\n\n' + b"x" * (3 * BLOCK) + b"\n" + b"last"
    given = list[bytes]()
    script.then(reply(content))
    fetch(lines=given.append)
    assert b"".join(given) == content
    assert all(block.endswith(b"\n") for block in given[:-1])
    assert given[-1] == b"last"


# Refused


@pytest.mark.parametrize("status", [301, 302, 307, 405, 501])
def test_other_answers_are_final(script: Script, fetch: Fetch, status: int) -> None:
    """Redirects are not followed."""
    script.then(reply(b"<Error><Code>Odd</Code><Message>CANARY</Message></Error>", status, Location="http://x/"))
    with pytest.raises(RequestRefused, match=str(status)) as caught:
        fetch()
    assert "Odd" in caught.value.why
    assert "CANARY" not in str(caught.value.as_json())
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("status", "kind"), [(408, "http_500"), (429, "http_429"), (500, "http_500"), (503, "http_503")]
)
def test_other_answers_are_tried_again(script: Script, fetch: Fetch, status: int, kind: str) -> None:
    script.then(reply(b"", status))
    with pytest.raises(Unreachable) as caught:
        fetch()
    assert caught.value.kind == kind
    assert len(script.seen) == TRIES


class Crawling(ManualClock):
    """While `slow`, more than a minute passes from one look to the next."""

    slow = False

    def monotonic(self) -> float:
        if self.slow:
            self.advance(61)
        return super().monotonic()


def test_a_connection_that_sends_next_to_nothing(script: Script, files: FileTransport, to: Path) -> None:
    """Each piece comes within the time-out, and the file never ends: it counts as cut, and what came is kept."""
    clock = Crawling()

    def drip(connection: socket.socket) -> bool:
        clock.slow = True
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + FILE[:100])
        return script.hang(connection)

    def flow(connection: socket.socket) -> bool:
        clock.slow = False
        return reply(FILE)(connection)

    script.then(drip, flow)
    told = list[int]()
    made = Download(
        files, Waiter(clock, ApiUse()), Backoff(), what="it", url=script.url, renew=lambda: None, expected=None
    )
    made.run(to, 1, progress=lambda had, total: told.append(had))
    assert to.read_bytes() == FILE
    assert (told[0], len(script.seen)) == (100, 2)


def test_nobody_listens(script: Script, fetch: Fetch) -> None:
    script.stop()
    with pytest.raises(Unreachable) as caught:
        fetch()
    assert caught.value.kind == "refused"


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example/x",
        "ftp://storage.example/x",
        "file:///etc/passwd",
        "",
        "https://",
        "https://[",
        "https://a:x/",
        "https://a\x00b/",
    ],
)
def test_addresses_that_are_not_used(url: str) -> None:
    """Without TLS only where Shopify's API has none either, as the sandbox."""
    files = FileTransport()
    with pytest.raises(SyncError) as caught, files.get(url, {}):
        pytest.fail("it was used")
    assert isinstance(caught.value, RequestRefused)
    files.close()


def test_a_password_in_an_address_is_not_told(clock: ManualClock, tmp_path: Path) -> None:
    files = FileTransport(tls_only=False)
    assert files.host("https://user:CANARY@storage.example:444/x") == "storage.example:444"


def test_a_break_before_any_answer(script: Script, fetch: Fetch) -> None:
    script.then(reset, reset, reply(FILE))
    assert fetch() == FILE
