"""Results fetched from the sandbox: whole, in pieces, after a kill, with addresses that are too old, on a full disk."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from shopify_sync.errors import LocalFileError, ResultGone, SyncError, Unreachable
from shopify_sync.shopify.bulk import Bulk
from shopify_sync.shopify.bulk.download import BLOCK, OVERLAP
from tests.shopify.bulk_bench import CREATE, Bench, jsonl, part_of, query

BIG = jsonl(3_000_000)
PACKED = [True, False]


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "result.jsonl"


@pytest.fixture(autouse=True)
def nothing_left(tmp_path: Path) -> Iterator[None]:
    """A file that is in its place has no part beside it."""
    yield
    if (tmp_path / "result.jsonl").exists():
        assert list(tmp_path.glob("result.jsonl.*.part")) == []


# Whole


@pytest.mark.parametrize("packed", PACKED)
def test_a_result_arrives_whole(bench: Bench, to: Path, packed: bool) -> None:
    """The same bytes in the file and in blocks of whole lines; only its owner may read it; progress is told."""
    state, given, told = bench.done(BIG), list[bytes](), list[tuple[int, int | None]]()
    Bulk(bench.client, bench.clock, packed=packed).download(
        state, to, lines=given.append, progress=lambda had, total: told.append((had, total))
    )
    assert to.read_bytes() == BIG == b"".join(given)
    assert all(block.endswith(b"\n") for block in given)
    assert to.stat().st_mode & 0o777 == 0o600
    assert told == sorted(told)
    assert told[-1] == (len(BIG), len(BIG))
    assert len(told) <= len(BIG) // BLOCK + 1


def test_what_the_shop_wrote_is_what_is_parsed(bench: Bench, to: Path) -> None:
    """No token is sent: storage refuses one."""
    state = bench.done()
    bench.bulk.download(state, to)
    assert to.read_bytes() == bench.result(state)
    ids = {orjson.loads(line)["id"] for line in to.read_bytes().splitlines()}
    assert len(ids) == 20
    assert bench.statuses().get("400") is None


def test_nothing_matched(bench: Bench, to: Path) -> None:
    """An empty file, without a request for one; it takes the place of an older one."""
    document = 'query Pull_tok { products(query: "id:1") { edges { node { id } } } }'
    state = bench.bulk.wait(bench.bulk.start_query(document, grouped=False, token="tok"))
    assert (state.complete, state.url, state.objects) == (True, None, 0)
    to.write_text("older")
    part_of(to, state).write_text("odd")
    given = list[bytes]()
    bench.bulk.download(state, to, lines=given.append)
    assert (to.read_bytes(), given) == (b"", [])


def test_only_what_is_complete_has_a_result(bench: Bench, to: Path) -> None:
    """What failed, was cancelled, is running, has expired or lacks its address is never taken for empty."""
    bench.server.fault("bulk_failed=1x")
    failed = bench.bulk.wait(bench.bulk.start_query(query("tok"), grouped=False, token="tok"))
    done = bench.done()
    bench.clock.advance(8 * 86_400)
    expired = bench.bulk.state(done.id)
    assert expired is not None
    assert (expired.status, expired.url) == ("EXPIRED", None)
    running = replace(failed, status="RUNNING", objects=0)
    canceled = replace(failed, status="CANCELED", objects=0)
    odd = replace(done, url=None)
    unfinished = replace(done, status="FAILED")
    for state in (failed, expired, running, canceled, odd, unfinished):
        with pytest.raises(ResultGone, match=str(state.id)) as caught:
            bench.bulk.download(state, to)
        assert state.status in caught.value.why
    assert not to.exists()


def test_what_a_failed_import_had_done(bench: Bench, to: Path, tmp_path: Path) -> None:
    """On request only."""
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"product":{{"title":"T{n}"}}}}\n' for n in range(100)))
    bench.server.fault("bulk_partial:0.3@bulk_mutation=1x")
    staged = bench.bulk.upload(source, "in.jsonl")
    state = bench.bulk.wait(bench.bulk.start_mutation(CREATE % "tok", staged, "shopify-sync", token="tok"))
    with pytest.raises(ResultGone, match="no result"):
        bench.bulk.download(state, to)
    bench.bulk.download(state, to, partial=True)
    assert to.read_bytes().count(b"\n") == 30
    done = bench.done()
    with pytest.raises(ResultGone, match="no partial result"):
        bench.bulk.download(done, to, partial=True)


# Cut


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_after_a_cut_only_the_rest_is_fetched(bench: Bench, to: Path, packed: bool, share: float) -> None:
    """Each line is handed on once."""
    state, given = bench.done(BIG), list[bytes]()
    bench.server.reset_stats()
    bench.server.fault(f"cut:{share}=1x")
    Bulk(bench.client, bench.clock, packed=packed).download(state, to, lines=given.append)
    assert to.read_bytes() == BIG == b"".join(given)
    assert bench.statuses() == {"reset": 1, "206" if share * len(BIG) > OVERLAP else "200": 1}


def test_many_cuts_that_bring_something(bench: Bench, to: Path) -> None:
    """As often as it takes; each time a tenth of what is left."""
    state = bench.done(BIG)
    bench.server.fault("cut:0.1=20x")
    bench.bulk.download(state, to)
    assert to.read_bytes() == BIG


@pytest.mark.parametrize("fault", ["cut:0", "reset_before", "reset_after", "503", "429"])
def test_it_gives_up_when_nothing_comes(bench: Bench, to: Path, fault: str) -> None:
    """After six tries with growing waits. The breaker is about Shopify's API, which did answer."""
    state = bench.done(BIG)
    bench.server.fault(f"{fault}@download=1.0")
    bench.clock.slept.clear()
    bench.server.reset_stats()
    with pytest.raises(Unreachable) as caught:
        bench.bulk.download(state, to)
    assert caught.value.exit_code == 6
    assert sum(bench.statuses().values()) == 6
    assert 0 < sum(bench.clock.slept) <= 0.5 * (1 + 2 + 4 + 8 + 16)
    assert not to.exists()
    assert bench.store.load().state == "closed"


def test_storage_says_how_long_to_wait(bench: Bench, to: Path) -> None:
    """But not for ever."""
    state = bench.done()
    bench.server.fault("503:7@download=1x")
    bench.server.fault("429:90000@download=1x")
    bench.clock.slept.clear()
    bench.bulk.download(state, to)
    assert bench.clock.slept == [5.0, 2.0, *[5.0] * 12]  # in slices, so that a lease is kept


# Killed, and run again


class Killed(BaseException):
    pass


@pytest.mark.parametrize("packed", PACKED)
def test_a_killed_download_goes_on_where_it_was(bench: Bench, to: Path, packed: bool) -> None:
    """All lines are handed on again: who was killed does not know which it had stored."""

    def kill(had: int, total: int | None) -> None:
        if had > len(BIG) // 2:
            raise Killed

    state = bench.done(BIG)
    with pytest.raises(Killed):
        bench.bulk.download(state, to, progress=kill)
    had = part_of(to, state).stat().st_size
    assert len(BIG) // 2 < had < len(BIG)
    assert not to.exists()
    assert part_of(to, state).stat().st_mode & 0o777 == 0o600
    bench.server.reset_stats()
    given = list[bytes]()
    told = list[int]()
    again = Bulk(bench.client, bench.clock, packed=packed)
    again.download(state, to, lines=given.append, progress=lambda had, total: told.append(had))
    assert to.read_bytes() == BIG == b"".join(given)
    assert told[0] > had
    assert bench.statuses() == {"206": 1}


@pytest.mark.parametrize(
    ("left", "statuses"),
    [
        (BIG[:100], {"200": 1}),
        (BIG[:OVERLAP], {"200": 1}),
        (BIG[: OVERLAP + 1], {"206": 1}),
        (BIG, {"206": 1}),
        (BIG[:-1], {"206": 1}),
        (b"x" * 100, None),
        (b"x" * 1_000_000, None),
        (BIG[:1_000_000] + b"\0" * 1_000_000, None),
        (BIG + b"more", {"206": 1, "200": 1}),
        (BIG * 2, {"416": 1, "200": 1}),
    ],
    ids=["bit", "overlap", "beyond", "whole", "nearly", "other bit", "other", "torn", "too long", "far too long"],
)
def test_whatever_is_left_it_ends_whole(bench: Bench, to: Path, left: bytes, statuses: dict[str, int] | None) -> None:
    """What is no beginning of the file is noticed before any line of it is handed on."""
    state, given = bench.done(BIG), list[bytes]()
    part_of(to, state).write_bytes(left)
    bench.server.reset_stats()
    bench.bulk.download(state, to, lines=given.append)
    assert to.read_bytes() == BIG == b"".join(given)
    assert statuses in (None, bench.statuses())  # an answer that is hung up on may or may not be counted


def test_parts_of_other_operations_are_removed(bench: Bench, to: Path, tmp_path: Path) -> None:
    """And nothing else."""
    state = bench.done()
    others = [tmp_path / name for name in ("other.jsonl.1.part", "result.jsonl.x.part", "result.jsonl.1.parts")]
    for path in (*others, tmp_path / "result.jsonl.1.part"):
        path.write_text("x")
    bench.bulk.download(state, to)
    assert sorted(tmp_path.iterdir()) == sorted([*others, to])
    others[1].unlink()


# Addresses


def test_an_address_that_is_too_old_is_asked_for_again(bench: Bench, to: Path) -> None:
    """Once, and what is there is kept."""
    state = bench.done(BIG)
    bench.server.fault("cut:0.5=1x")
    bench.server.fault("url_expired=1x")
    bench.server.reset_stats()
    bench.bulk.download(state, to)
    assert to.read_bytes() == BIG
    assert bench.statuses() == {"reset": 1, "400": 1, "200": 1, "206": 1}
    assert bench.server.stats()["by_operation"]["BulkState"]["requests"] == 1


def test_an_address_with_a_wrong_signature(bench: Bench, to: Path) -> None:
    """HTTP 403; Shopify's fresh one is good."""
    state = bench.done()
    assert state.url is not None
    bench.bulk.download(replace(state, url=state.url.replace("Signature=", "Signature=0")), to)
    assert to.read_bytes() == bench.result(state)


def test_an_address_that_stays_too_old(bench: Bench, to: Path) -> None:
    state = bench.done()
    bench.server.fault("url_expired=1.0")
    with pytest.raises(ResultGone, match="any more") as caught:
        bench.bulk.download(state, to)
    assert "ExpiredToken" in caught.value.why
    assert bench.server.faults.as_json()[0]["fired"] == 2


def test_after_seven_days_it_is_gone(bench: Bench, to: Path) -> None:
    """Also where Shopify has forgotten the operation."""
    state = bench.done()
    bench.clock.advance(7 * 86_400)
    with pytest.raises(ResultGone, match="any more"):
        bench.bulk.download(state, to)
    bench.server.reset()
    with pytest.raises(ResultGone, match="any more"):
        bench.bulk.download(state, to)
    assert not to.exists()


# The machine


def test_a_full_disk(bench: Bench, to: Path) -> None:
    """Says so, and leaves nothing behind: the database, maybe on the same disk, has yet to store how the run ended."""
    state = bench.done(BIG)
    part_of(to, state).symlink_to("/dev/full")
    with pytest.raises(LocalFileError, match="no room left") as caught:
        bench.bulk.download(state, to)
    assert (caught.value.code, caught.value.why) == ("disk-full", "No space left on device")
    assert caught.value.next
    assert list(to.parent.iterdir()) == []


def test_a_disk_that_will_be_full_is_noticed_before(bench: Bench, to: Path) -> None:
    state = replace(bench.done(), file_size=1 << 60)
    bench.server.reset_stats()
    with pytest.raises(LocalFileError, match="no room left") as caught:
        bench.bulk.download(state, to)
    assert "1,152,921,504,606,846,976 bytes" in caught.value.why
    assert bench.statuses() == {}


def test_a_place_that_does_not_exist(bench: Bench, tmp_path: Path) -> None:
    with pytest.raises(LocalFileError, match="nowhere") as caught:
        bench.bulk.download(bench.done(), tmp_path / "nowhere" / "result.jsonl")
    assert caught.value.code == "local-file"


def test_what_lines_raises_is_raised(bench: Bench, to: Path) -> None:
    """An OSError of whoever takes the lines is not mistaken for one of the file."""

    def full(block: bytes) -> None:
        raise OSError(28, "theirs")

    with pytest.raises(OSError, match="theirs"):
        bench.bulk.download(bench.done(), to, lines=full)
    assert not to.exists()


def test_a_file_shorter_than_told_is_none(bench: Bench, to: Path) -> None:
    state = bench.done(BIG)
    with pytest.raises(Unreachable, match="cut off"):
        bench.bulk.download(replace(state, file_size=len(BIG) + 1), to)
    assert not to.exists()


def test_a_file_longer_than_told_is_mentioned(bench: Bench, to: Path, caplog: pytest.LogCaptureFixture) -> None:
    state = bench.done(BIG)
    with caplog.at_level(logging.WARNING):
        bench.bulk.download(replace(state, file_size=len(BIG) - 1), to)
    assert to.read_bytes() == BIG
    assert str(len(BIG)) in caplog.text


@pytest.mark.parametrize("fault", ["cut:0.5", "url_expired", "503", "reset_after", "404"])
def test_no_address_is_shown(bench: Bench, to: Path, caplog: pytest.LogCaptureFixture, fault: str) -> None:
    """Not at the lowest level of any log, nor in an error and what it is chained to."""
    state = bench.done(BIG)
    assert state.url is not None
    secret = state.url.partition("Signature=")[2][:20]
    bench.server.fault(f"{fault}@download=1.0")
    shown = repr(state)
    with caplog.at_level(1), pytest.raises(SyncError) as caught:
        bench.bulk.download(replace(state, file_size=len(BIG) + 1), to)
    error: BaseException | None = caught.value
    while error is not None:
        shown += repr(error) + str(vars(error))
        error = error.__cause__ or error.__context__
    shown += caplog.text
    assert secret not in shown
    assert "bulk-operation-outputs" not in shown
    assert bench.server.token not in shown
