"""Bulk operations through the client: started once whatever happens, followed, found again, ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.errors import (
    BulkRefused,
    CircuitOpen,
    RequestRefused,
    ResultGone,
    SlotsTaken,
    SyncError,
    Unreachable,
)
from shopify_sync.shopify.bulk import Bulk, BulkState
from shopify_sync.shopify.bulk.state import DOCUMENTS
from tests.shared import needs_schema, refusals
from tests.shopify.bulk_bench import CREATE, Bench, query
from tests.shopify.conftest import MakeClient
from tests.shopify.script import Script, data, reset

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
NODE: dict[str, Any] = {
    "id": "gid://shopify/BulkOperation/7",
    "type": "QUERY",
    "status": "RUNNING",
    "errorCode": None,
    "createdAt": "2026-11-24T12:00:00Z",
    "completedAt": None,
    "objectCount": "3",
    "rootObjectCount": "2",
    "fileSize": None,
    "url": None,
    "partialDataUrl": None,
    "query": query("tok"),
}
NOTHING = data({"bulkOperations": {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}})
STATE = data({"bulkOperation": NODE})
STARTED = data({"bulkOperationRunQuery": {"bulkOperation": NODE, "userErrors": []}})


def refused(code: str | None, message: str = "no", root: str = "bulkOperationRunQuery") -> Any:
    errors = [{"field": None, "message": message, "code": code}]
    return data({root: {"bulkOperation": None, "userErrors": errors}})


@needs_schema
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_valid_for_shopify(name: str) -> None:
    assert refusals(DOCUMENTS[name]) == []


# Starting and following


def test_a_query_from_start_to_end(bench: Bench) -> None:
    """It is looked at at growing intervals until it has ended; each look costs a point and is told."""
    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.start_query(query("tok"), grouped=True, token="tok")
    assert (state.type, state.status, state.live, state.finished) == ("QUERY", "CREATED", True, False)
    assert (state.query, state.created_at) == (query("tok"), bench.clock.now())
    assert bench.operations[0].group
    spent, seen = bench.client.use.points, list[BulkState]()
    bench.clock.slept.clear()
    found = bench.bulk.wait(state, seen.append)
    assert [each.status for each in seen][-1] == found.status == "COMPLETED"
    assert {"CREATED", "RUNNING"} <= {each.status for each in seen}
    assert (found.live, found.complete, found.objects, found.roots) == (False, True, 20, 20)
    assert found.completed_at is not None
    assert found.completed_at >= found.created_at + timedelta(seconds=100)
    assert found.file_size == len(bench.result(found))
    assert bench.client.use.points - spent == len(seen)
    assert bench.client.use.waited_s == 0
    assert bench.clock.slept[:3] == pytest.approx([0.1, 0.13, 0.169])
    assert bench.clock.slept[-2:] == [5.0, 5.0]  # ten seconds, in slices
    assert bench.bulk.wait(found) is found


def test_an_import_from_start_to_end(bench: Bench, tmp_path: Path) -> None:
    source, results = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("".join(f'{{"product":{{"title":"Thing {n}"}}}}\n' for n in range(30)))
    staged = bench.bulk.upload(source, "in.jsonl")
    state = bench.bulk.start_mutation(CREATE % "tok", staged, "shopify-sync", token="tok")
    found = bench.bulk.wait(state)
    assert (found.type, found.status, found.objects) == ("MUTATION", "COMPLETED", 30)
    bench.bulk.download(found, results)
    assert results.read_bytes().count(b'"__lineNumber"') == 30
    assert len(bench.server.shop.table("Product")) == 50


@pytest.mark.parametrize(
    ("rule", "status", "code", "part"),
    [
        ("bulk_failed=1x", "FAILED", "INTERNAL_SERVER_ERROR", False),
        ("bulk_partial=1x", "FAILED", "INTERNAL_SERVER_ERROR", True),
        ("bulk_timeout=1x", "FAILED", "TIMEOUT", True),
        ("bulk_canceled=1x", "CANCELED", None, False),
    ],
)
def test_operations_that_fail_say_so(bench: Bench, rule: str, status: str, code: str | None, part: bool) -> None:
    bench.server.fault(rule)
    found = bench.bulk.wait(bench.bulk.start_query(query("tok"), grouped=False, token="tok"))
    assert (found.status, found.error_code, found.complete, found.url) == (status, code, False, None)
    assert (found.partial_url is not None) is part


def test_what_the_token_may_not_read_fails(bench: Bench) -> None:
    bench.server.scopes = frozenset(("read_inventory",))
    found = bench.bulk.wait(bench.bulk.start_query(query("tok"), grouped=False, token="tok"))
    assert (found.status, found.error_code) == ("FAILED", "ACCESS_DENIED")


def test_an_operation_that_shopify_forgets(bench: Bench) -> None:
    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    bench.server.reset()
    with pytest.raises(ResultGone, match=str(state.id)):
        bench.bulk.wait(state)


def test_addresses_are_in_no_repr(bench: Bench) -> None:
    state = bench.done()
    assert state.url is not None
    assert "Signature" in state.url
    assert "Signature" not in repr(replace(state, partial_url=state.url))


def test_each_wait_is_told(tmp_path: Path) -> None:
    """To whoever the client tells its own, so that a lease is kept while Shopify works."""
    told = list[str]()
    bench = Bench(on_wait=lambda seconds, reason: told.append(reason))
    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.wait(bench.bulk.start_query(query("tok"), grouped=False, token="tok"))
    assert set(told) == {f"for bulk operation {state.id}"}
    bench.server.fault("503@download=1x")
    bench.bulk.download(state, tmp_path / "result.jsonl")
    assert told[-1] == "before trying again"
    bench.close()


# Once


LOSSES = ["reset_after", "truncate", "not_json", "reset_before", "503", "504", "internal_error"]


@pytest.mark.parametrize("fault", LOSSES)
def test_a_lost_answer_starts_no_second_query(bench: Bench, fault: str) -> None:
    """Whether it had been carried out is looked for; only then it is sent again."""
    bench.server.fault(f"{fault}@bulkOperationRunQuery=1x")
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    assert [each.id for each in bench.operations] == [state.id]


@pytest.mark.parametrize("fault", LOSSES)
def test_a_lost_answer_starts_no_second_import(bench: Bench, tmp_path: Path, fault: str) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"product":{"title":"Tea"}}\n')
    staged = bench.bulk.upload(source, "in.jsonl")
    bench.server.fault(f"{fault}@bulkOperationRunMutation=1x")
    state = bench.bulk.start_mutation(CREATE % "tok", staged, "shopify-sync", token="tok")
    bench.bulk.wait(state)
    assert [each.id for each in bench.operations] == [state.id]
    assert len(bench.server.shop.table("Product")) == 21


def test_it_gives_up_in_the_end(bench: Bench) -> None:
    bench.server.fault("reset_before@bulkOperationRunQuery=1.0")
    with pytest.raises(Unreachable):
        bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    assert bench.operations == []
    assert bench.server.stats()["by_status"]["reset"] == 3


def test_what_was_never_sent_is_left_to_the_client(bench: Bench) -> None:
    """Its own retries are over when it says so."""
    bench.server.fault("429:1@bulkOperationRunQuery=1.0")
    with pytest.raises(Unreachable):
        bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    assert bench.server.stats()["by_status"]["429"] == 4
    with pytest.raises(CircuitOpen):
        bench.bulk.state(1)


def test_one_that_the_list_does_not_show_yet_is_found_among_those_that_run(
    script: Script, make_client: MakeClient, clock: ManualClock
) -> None:
    message = "already in progress: gid://shopify/BulkOperation/6, gid://shopify/BulkOperation/7."
    other = data({"bulkOperation": {**NODE, "query": "query Theirs { products { edges { node { id } } } }"}})
    looks = [NOTHING] * 3
    script.then(NOTHING, reset, *looks, refused("OPERATION_IN_PROGRESS", message), other, STATE)
    found = Bulk(make_client(), clock).start_query(query("tok"), grouped=False, token="tok")
    assert found.id == 7
    asked = [request.json["operationName"] for request in script.seen]
    assert asked == ["BulkList", "BulkQuery", *["BulkList"] * 3, "BulkQuery", "BulkState", "BulkState"]


def test_an_answer_of_another_shape_is_a_lost_one(script: Script, make_client: MakeClient, clock: ManualClock) -> None:
    shown = data({"bulkOperations": {"nodes": [NODE], "pageInfo": {"hasNextPage": False, "endCursor": None}}})
    script.then(NOTHING, data({"bulkOperationRunQuery": {"bulkOperation": {"id": 5}}}), shown)
    assert Bulk(make_client(), clock).start_query(query("tok"), grouped=False, token="tok").id == 7


def test_a_document_bears_its_token(bench: Bench) -> None:
    for token in ("other", ""):
        with pytest.raises(ValueError, match="token"):
            bench.bulk.start_query(query("tok"), grouped=False, token=token)


# Found again


def test_an_operation_is_taken_up_after_a_crash(bench: Bench) -> None:
    """Running or ended, by its token and the time at which that was made."""
    bench.server.shop.desk.bulk_s = 100
    made_at = bench.clock.now()
    first = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    bench.clock.advance(3600)
    bench.bulk.start_query(query("other"), grouped=False, token="other")
    again = Bulk(bench.client, bench.clock)
    found = again.start_query(query("tok"), grouped=False, token="tok", since=made_at)
    assert (found.id, found.status) == (first.id, "COMPLETED")
    assert len(bench.operations) == 2
    assert again.find("tok", type="MUTATION", since=made_at) is None
    assert again.find("nobody", type="QUERY", since=LONG_AGO) is None
    assert again.find("tok", type="QUERY", since=bench.clock.now()) is None


def test_clocks_may_differ_by_minutes(bench: Bench) -> None:
    """Ours was ahead when the token was made."""
    ours = bench.clock.now() + timedelta(minutes=5)
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    found = bench.bulk.find("tok", type="QUERY", since=ours)
    assert found is not None
    assert found.id == state.id


def test_recent_goes_through_pages_newest_first(bench: Bench, tmp_path: Path) -> None:
    """As far back as asked; the other type is left out."""
    ids = []
    for number in range(60):
        bench.clock.advance(60)
        token = f"tok{number}x"
        ids.append(bench.bulk.start_query(query(token), grouped=False, token=token).id)
        if number == 29:
            middle = bench.clock.now()
        bench.bulk.wait(bench.bulk.state(ids[-1]) or pytest.fail("gone"))
    source = tmp_path / "in.jsonl"
    source.write_text('{"product":{"title":"Tea"}}\n')
    bench.bulk.start_mutation(CREATE % "tok", bench.bulk.upload(source, "in.jsonl"), "shopify-sync", token="tok")
    assert [each.id for each in bench.bulk.recent(type="QUERY", since=middle)] == ids[:28:-1]
    assert [each.id for each in bench.bulk.recent(type="QUERY", since=LONG_AGO)] == ids[::-1]
    [only] = bench.bulk.recent(type="MUTATION", since=LONG_AGO)
    assert only.type == "MUTATION"
    assert bench.bulk.find("tok3x", type="QUERY", since=LONG_AGO) == bench.bulk.state(ids[3])


def test_a_page_that_leads_nowhere_is_a_broken_answer(
    script: Script, make_client: MakeClient, clock: ManualClock
) -> None:
    page = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}
    script.then(data({"bulkOperations": page}))
    with pytest.raises(Unreachable):
        list(Bulk(make_client(), clock).recent(type="QUERY", since=LONG_AGO))


# Refused


def test_slots_that_are_taken(bench: Bench) -> None:
    """The error names who holds them."""
    bench.server.shop.desk.bulk_s = 100
    ids = [bench.bulk.start_query(query(f"tok{n}"), grouped=False, token=f"tok{n}").id for n in range(5)]
    with pytest.raises(SlotsTaken) as caught:
        bench.bulk.start_query(query("late"), grouped=False, token="late")
    assert list(caught.value.ids) == ids == caught.value.details["ids"]
    assert caught.value.exit_code == 6
    bench.bulk.wait(bench.bulk.state(ids[0]) or pytest.fail("gone"))
    assert bench.bulk.start_query(query("late"), grouped=False, token="late").live


def test_refused_documents_and_files(bench: Bench) -> None:
    """`reason` is Shopify's code; some refusals have none."""
    lone = "query tok { shop { id } }"
    with pytest.raises(BulkRefused, match="at least one connection") as caught:
        bench.bulk.start_query(lone, grouped=False, token="tok")
    assert (caught.value.reason, caught.value.errors[0]["field"]) == ("INVALID", ["query"])
    for document, path, identifier, reason in (
        (lone, "valid", "shopify-sync", "INVALID_MUTATION"),
        (CREATE % "tok", "valid", "short", "INVALID_MUTATION"),
        (CREATE % "tok", "valid", "shopify-sync", "NO_SUCH_FILE"),
        (CREATE.replace("{ product", "{ a: product") % "tok", "valid", "shopify-sync", "NO_SUCH_FILE"),
        ("mutation tok { bulkOperationCancel(id: 1) { userErrors { message } } }", "valid", "shopify-sync", ""),
    ):
        with pytest.raises(BulkRefused) as caught:
            bench.bulk.start_mutation(document, path, identifier, token="tok")
        assert caught.value.reason == reason, caught.value
        assert caught.value.next
    assert bench.operations == []


def test_a_limit_without_names(script: Script, make_client: MakeClient, clock: ManualClock) -> None:
    script.then(NOTHING, refused("LIMIT_REACHED", "Bulk operations limit reached. Please try again later."))
    with pytest.raises(SlotsTaken, match="as many") as caught:
        Bulk(make_client(), clock).start_query(query("tok"), grouped=False, token="tok")
    assert caught.value.ids == ()
    assert "limit reached" in caught.value.why


def test_a_file_that_shopify_cant_read_is_tried_again(
    script: Script, make_client: MakeClient, clock: ManualClock
) -> None:
    """It says so itself, and has started nothing, so nothing is looked for."""
    root = "bulkOperationRunMutation"
    no = refused("INTERNAL_FILE_SERVER_ERROR", "There was a problem reading the JSONL file.", root)
    started = data({root: {"bulkOperation": NODE, "userErrors": []}})
    script.then(NOTHING, no, no, started)
    bulk = Bulk(make_client(), clock)
    assert bulk.start_mutation(CREATE % "tok", "path", "shopify-sync", token="tok").id == 7
    assert len(script.seen) == 4
    assert 0 < sum(clock.slept) < 3
    script.then(NOTHING, no)
    script.steps.pop(0)
    with pytest.raises(Unreachable, match="internal error"):
        bulk.start_mutation(CREATE % "tok", "path", "shopify-sync", token="tok")
    assert len(script.seen) == 8


# Ended


def test_cancel(bench: Bench) -> None:
    """What has ended already, or is not there, is no error."""
    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    found = bench.bulk.cancel(state.id)
    assert found is not None
    assert (found.status, found.live) == ("CANCELING", True)
    again = bench.bulk.cancel(state.id)
    assert again is not None
    assert again.status == "CANCELING"
    assert bench.bulk.wait(found).status == "CANCELED"
    bench.server.shop.desk.bulk_s = 0
    done = bench.done()
    found = bench.bulk.cancel(done.id)
    assert found is not None
    assert found == done
    assert bench.bulk.cancel(5) is None


def test_an_end_that_shopify_refuses(script: Script, make_client: MakeClient, clock: ManualClock) -> None:
    errors = [{"field": ["id"], "message": "Not now"}]
    script.then(data({"bulkOperationCancel": {"bulkOperation": None, "userErrors": errors}}), STATE)
    with pytest.raises(RequestRefused, match="Not now"):
        Bulk(make_client(), clock).cancel(7)


def interrupt(state: BulkState) -> None:
    if state.status == "RUNNING":
        raise KeyboardInterrupt


@pytest.mark.parametrize("cancel", [True, False])
def test_ctrl_c_ends_the_operation_unless_told_otherwise(bench: Bench, cancel: bool) -> None:
    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    with pytest.raises(KeyboardInterrupt):
        bench.bulk.wait(state, interrupt, cancel=cancel)
    found = bench.bulk.state(state.id)
    assert found is not None
    assert found.status == ("CANCELING" if cancel else "RUNNING")


@pytest.mark.parametrize("fault", ["503", "401", "reset_before"])
def test_ctrl_c_wins_over_what_shopify_says_to_the_end(bench: Bench, fault: str) -> None:
    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    bench.server.fault(f"{fault}@bulkOperationCancel=1.0")
    with pytest.raises(KeyboardInterrupt):
        bench.bulk.wait(state, interrupt)


def test_whoever_watches_may_stop_the_waiting(bench: Bench) -> None:
    """The operation goes on."""

    def stop(state: BulkState) -> None:
        raise SyncError("enough")

    bench.server.shop.desk.bulk_s = 100
    state = bench.bulk.start_query(query("tok"), grouped=False, token="tok")
    with pytest.raises(SyncError, match="enough"):
        bench.bulk.wait(state, stop)
    assert bench.operations[0].status == "CREATED"
