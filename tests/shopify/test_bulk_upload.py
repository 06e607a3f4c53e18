"""Files of variables on their way to Shopify: the form, its size in memory, and what breaks."""

from __future__ import annotations

import logging
import re
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.errors import BulkRefused, LocalFileError, RequestRefused, SyncError, Unreachable
from shopify_sync.shopify.bulk import Bulk
from shopify_sync.shopify.bulk.upload import MOST_BYTES
from tests.shopify.bulk_bench import Bench, jsonl
from tests.shopify.conftest import TOKEN, MakeClient
from tests.shopify.script import Script, Step, data, reply

FIELDS = {
    "Content-Type": "text/jsonl",
    "success_action_status": "201",
    "acl": "private",
    "key": "tmp/1/bulk/2/in.jsonl",
    "x-goog-signature": "CANARY",
    "policy": "eyJ9",
}


def place(script: Script, **fields: str) -> Step:
    parameters = [{"name": name, "value": value} for name, value in (FIELDS | fields).items()]
    return data({"stagedUploadsCreate": {"stagedTargets": [target(script, parameters)], "userErrors": []}})


def target(script: Script, parameters: list[dict[str, str]]) -> dict[str, Any]:
    return {"url": f"{script.url}/staged/", "parameters": parameters}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"product":{"title":"Tea"}}\n' * 3)
    return path


def stored(bench: Bench, staged: str) -> bytes:
    path = bench.server.shop.desk.uploads[staged].path
    assert path is not None
    return path.read_bytes()


def test_the_form(script: Script, make_client: MakeClient, clock: ManualClock, source: Path) -> None:
    """All fields in Shopify's order, then the file; its length told beforehand; no token. The path is the key."""
    script.then(place(script), reply("", 201))
    assert Bulk(make_client(), clock).upload(source, "in.jsonl") == FIELDS["key"]
    asked, sent = script.seen
    [given] = asked.json["variables"]["input"]
    assert given == {
        "resource": "BULK_MUTATION_VARIABLES",
        "filename": "in.jsonl",
        "mimeType": "text/jsonl",
        "httpMethod": "POST",
    }
    assert sent.line == "POST /staged/ HTTP/1.1"
    assert int(sent.headers["content-length"]) == len(sent.body)
    names = re.findall(rb'name="([^"]+)"(?:; filename="in.jsonl")?\r\n', sent.body)
    assert [name.decode() for name in names] == [*FIELDS, "file"]
    assert b'filename="in.jsonl"\r\nContent-Type: text/jsonl\r\n\r\n' + source.read_bytes() + b"\r\n--" in sent.body
    assert TOKEN not in repr(sent)


def test_a_big_file_is_never_whole_in_memory(bench: Bench, tmp_path: Path) -> None:
    """20 MB; the sandbox, which takes them in the same process, counts as well."""
    source = tmp_path / "in.jsonl"
    content = jsonl(20_000_000)
    source.write_bytes(content)
    bench.bulk.upload(source, "warm.jsonl")
    tracemalloc.start()
    try:
        staged = bench.bulk.upload(source, "in.jsonl")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert stored(bench, staged) == content
    assert peak < 4_000_000


@pytest.mark.parametrize("fault", ["503@upload", "429:2@upload", "reset_before@upload", "reset_after@upload"])
def test_what_breaks_is_sent_again(bench: Bench, source: Path, fault: str) -> None:
    """To another place, so that nobody has to know what became of the first."""
    bench.server.fault(f"{fault}=2x")
    told = list[tuple[int, int | None]]()
    staged = bench.bulk.upload(source, "in.jsonl", progress=lambda sent, size: told.append((sent, size)))
    assert stored(bench, staged) == source.read_bytes()
    assert told[-1] == (source.stat().st_size,) * 2
    assert len(bench.server.shop.desk.uploads) == 3


@pytest.mark.parametrize("fault", ["503", "reset_before"])
def test_it_gives_up_in_the_end(bench: Bench, source: Path, fault: str) -> None:
    bench.server.fault(f"{fault}@upload=1.0")
    bench.clock.slept.clear()
    with pytest.raises(Unreachable):
        bench.bulk.upload(source, "in.jsonl")
    assert len(bench.server.shop.desk.uploads) == 4
    assert 0 < sum(bench.clock.slept) <= 0.5 * (1 + 2 + 4)
    assert bench.store.load().state == "closed"


def test_a_lost_answer_of_the_first_step(bench: Bench, source: Path) -> None:
    bench.server.fault("reset_after@stagedUploadsCreate=1x")
    assert stored(bench, bench.bulk.upload(source, "in.jsonl")) == source.read_bytes()


def test_what_storage_refuses(script: Script, make_client: MakeClient, clock: ManualClock, source: Path) -> None:
    """Its code is told, and nothing else of it."""
    script.then(place(script), reply("<Error><Code>AccessDenied</Code><Message>CANARY</Message></Error>", 403))
    with pytest.raises(RequestRefused, match="403") as caught:
        Bulk(make_client(), clock).upload(source, "in.jsonl")
    assert "AccessDenied" in caught.value.why
    assert "CANARY" not in str(caught.value.as_json())
    assert len(script.seen) == 2


def test_what_shopify_refuses(script: Script, make_client: MakeClient, clock: ManualClock, source: Path) -> None:
    errors = [{"field": ["input"], "message": "Filename is bad"}]
    script.then(data({"stagedUploadsCreate": {"stagedTargets": None, "userErrors": errors}}))
    with pytest.raises(BulkRefused, match="Filename is bad"):
        Bulk(make_client(), clock).upload(source, "in.jsonl")


@pytest.mark.parametrize("answer", [{}, {"stagedTargets": [], "userErrors": []}, {"stagedTargets": [{}]}])
def test_an_answer_of_another_shape(
    script: Script, make_client: MakeClient, clock: ManualClock, source: Path, answer: dict[str, Any]
) -> None:
    script.then(data({"stagedUploadsCreate": answer}))
    with pytest.raises(Unreachable):
        Bulk(make_client(), clock).upload(source, "in.jsonl")


def test_a_place_without_a_key(script: Script, make_client: MakeClient, clock: ManualClock, source: Path) -> None:
    found = {"stagedTargets": [target(script, [{"name": "acl", "value": "private"}])], "userErrors": []}
    script.then(data({"stagedUploadsCreate": found}))
    with pytest.raises(Unreachable):
        Bulk(make_client(), clock).upload(source, "in.jsonl")


def test_files_that_shopify_would_not_take(bench: Bench, tmp_path: Path) -> None:
    """Empty, or larger than the policy of an upload allows: nothing is asked."""
    bench.server.reset_stats()
    for size in (0, MOST_BYTES + 1):
        path = tmp_path / "in.jsonl"
        with path.open("wb") as file:
            file.truncate(size)
        with pytest.raises(BulkRefused, match=f"{size:,} bytes") as caught:
            bench.bulk.upload(path, "in.jsonl")
        assert caught.value.reason == "INVALID_STAGED_UPLOAD_FILE"
    assert bench.server.stats()["requests"] == 0


def test_what_progress_raises_is_raised(bench: Bench, source: Path) -> None:
    """As it is, an OSError too."""

    def stop(sent: int, size: int | None) -> None:
        raise OSError(5, "theirs")

    with pytest.raises(OSError, match="theirs"):
        bench.bulk.upload(source, "in.jsonl", progress=stop)


def test_files_that_cant_be_read(bench: Bench, tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.jsonl", tmp_path):
        with pytest.raises(LocalFileError):
            bench.bulk.upload(path, "in.jsonl")


@pytest.mark.parametrize("status", [201, 403, 500])
def test_no_signature_is_shown(
    script: Script,
    make_client: MakeClient,
    clock: ManualClock,
    source: Path,
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    for _ in range(4):
        script.then(place(script), reply("", status))
    shown = ""
    with caplog.at_level(logging.DEBUG):
        try:
            Bulk(make_client(), clock).upload(source, "in.jsonl")
        except SyncError as error:
            shown = repr(error) + str(vars(error))
    assert any("CANARY" in repr(request.body) for request in script.seen)
    assert "CANARY" not in shown + caplog.text
