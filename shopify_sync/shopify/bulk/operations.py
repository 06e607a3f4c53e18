"""Bulk operations: start each once, follow it, find it again after a crash, end it.

Starting is not safe to repeat: the same call twice is two operations. So a unique token of the caller's stands in the
inner document; before anything is sent, and when an answer was lost, the operations are looked through for it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from shopify_sync.clock import Clock
from shopify_sync.errors import BulkRefused, RequestRefused, ResultGone, SlotsTaken, SyncError, Unreachable
from shopify_sync.records import ApiUse, Operation, gid
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.shopify.answers import as_asked
from shopify_sync.shopify.bulk.state import (
    CANCEL,
    LIST,
    RUN_MUTATION,
    RUN_QUERY,
    STATE,
    BulkState,
    BulkType,
    state_of,
)
from shopify_sync.shopify.client import Client
from shopify_sync.shopify.errors import unreachable
from shopify_sync.shopify.transports.throttle import Waiter

log = logging.getLogger(__name__)
_PAGE = 25
# How far our clock may be from Shopify's when an operation is looked for by its time.
_SKEW = timedelta(minutes=10)
# Seconds before each look for an operation whose answer was lost: Shopify may still be at it. It gives up a request
# after about 10 s (shopify.dev, "API response codes", 504), and our own time-out is longer than that.
_LOOKS_S = (0.0, 2.0, 5.0)
_TRIES = 3
_POLL_S, _POLL_GROWTH, _POLL_MOST_S = 0.1, 1.3, 10.0
_IN_MESSAGE = re.compile(r"gid://shopify/BulkOperation/(\d+)")


class Operations:
    """Through the client, so its limits, retries and breaker hold; what it raises is raised here, too."""

    def __init__(self, client: Client, clock: Clock, backoff: Backoff) -> None:
        self.client, self.clock, self.backoff = client, clock, backoff
        # Its own count: what it waits for is no limit of Shopify's. Whoever watches and keeps the lease is told.
        self.waiter = Waiter(clock, ApiUse(), client.on_wait)

    # -- starting

    def start_query(self, document: str, *, grouped: bool, token: str, since: datetime | None = None) -> BulkState:
        """Start a query, or take up the one that bears `token`, whatever has become of it. 10 points and a look.

        `token` stands in `document`, best in the operation's name, and nowhere else. `since` is when it was made; left
        out, that is now. Raises SlotsTaken, BulkRefused, ValueError for a document without its token.
        Source: shopify-admin-api.md C.1, C.2.
        """
        variables = {"query": document, "grouped": grouped}
        name = "bulkOperationRunQuery"
        operation = Operation("BulkQuery", RUN_QUERY, variables, root=name, mutation=True, repeatable=False)
        return self._start("QUERY", operation, document, token, since)

    def start_mutation(
        self, document: str, staged_path: str, identifier: str, *, token: str, since: datetime | None = None
    ) -> BulkState:
        """Start an import of an uploaded file, or take up the one that bears `token`; see `start_query`.

        `identifier` has 10 to 255 characters (recorded: bulk-operation-run-mutation-client-identifier-validation).
        A file that Shopify can't read is tried again a few times, then raised as Unreachable.
        Source: shopify-admin-api.md C.1, C.4.
        """
        variables = {"mutation": document, "path": staged_path, "identifier": identifier}
        name = "bulkOperationRunMutation"
        operation = Operation("BulkMutation", RUN_MUTATION, variables, root=name, mutation=True, repeatable=False)
        return self._start("MUTATION", operation, document, token, since)

    def _start(
        self, kind: BulkType, operation: Operation, document: str, token: str, since: datetime | None
    ) -> BulkState:
        if not token or token not in document:
            raise ValueError("the token of a bulk operation must stand in its document")
        since = since or self.clock.now()
        found = self.find(token, type=kind, since=since)
        failures = 0
        while found is None:
            try:
                found = self._send(operation)
            except SlotsTaken as error:
                found = self._among(error.ids, token)
                if found is None:
                    raise
            except Unreachable as error:
                if not error.sent and error.kind != "internal":
                    raise  # it never got there, and the client has tried again by itself
                failures += 1
                if error.sent:
                    log.info("%s: %s; looking whether it was started", operation.name, error.what)
                    found = self._lost(token, kind, since)
                if found is None:
                    if failures >= _TRIES:
                        raise
                    self.waiter.wait(self.backoff.delay(failures), "before trying again")
        return found

    def _send(self, operation: Operation) -> BulkState:
        reply = self.client.execute(operation)
        with as_asked():
            payload = reply.data[operation.root]
            errors: Sequence[Mapping[str, Any]] = payload["userErrors"]
            if payload["bulkOperation"] is not None:
                return state_of(payload["bulkOperation"])
            codes = {str(error.get("code") or "") for error in errors}
            messages = " ".join(str(error["message"]) for error in errors)
        raise _refusal(codes, messages, [dict(error) for error in errors])

    def _lost(self, token: str, kind: BulkType, since: datetime) -> BulkState | None:
        """Look for what a request may have started whose answer did not come."""
        for wait_s in _LOOKS_S:
            if wait_s:
                self.waiter.wait(wait_s, "for Shopify to tell what it started")
            if (found := self.find(token, type=kind, since=since)) is not None:
                return found
        return None

    def _among(self, ids: Sequence[int], token: str) -> BulkState | None:
        """One of those that hold the slots may be ours, if the list did not show it yet."""
        for number in ids:
            found = self.state(number)
            if found is not None and token in found.query:
                return found
        return None

    # -- looking

    def state(self, id: int) -> BulkState | None:
        """The operation as it is now; None where Shopify knows none. 1 point."""
        reply = self.client.execute(Operation("BulkState", STATE, {"id": gid("BulkOperation", id)}))
        with as_asked():
            node = reply.data["bulkOperation"]
            return None if node is None else state_of(node)

    def recent(self, *, type: BulkType, since: datetime) -> Iterator[BulkState]:
        """This app's operations of a type, newest first, made at `since` (aware) or later. 8 points for each 25.

        The time is compared here: what Shopify's filter does with it was never recorded, the order was.
        """
        cursor: str | None = None
        since = since.replace(microsecond=0)  # Shopify tells whole seconds
        while True:
            variables = {"first": _PAGE, "after": cursor, "query": f"operation_type:{type.lower()}"}
            reply = self.client.execute(Operation("BulkList", LIST, variables))
            with as_asked():
                page = reply.data["bulkOperations"]
                found = [state_of(node) for node in page["nodes"]]
                more, following = bool(page["pageInfo"]["hasNextPage"]), page["pageInfo"]["endCursor"]
                if more and following in (None, cursor):
                    raise ValueError("there is a next page, but no way to it")
            for state in found:
                if state.created_at < since:
                    return
                yield state
            if not more:
                return
            cursor = following

    def find(self, token: str, *, type: BulkType, since: datetime) -> BulkState | None:
        """The newest operation whose document holds `token`, made since then by Shopify's clock or ours."""
        return next((each for each in self.recent(type=type, since=since - _SKEW) if token in each.query), None)

    # -- following

    def wait(
        self, state: BulkState, progress: Callable[[BulkState], None] | None = None, *, cancel: bool = True
    ) -> BulkState:
        """Look again and again until it has ended; the state it ended in. 1 point a look, 0.1 to 10 s apart.

        `progress` is told each look and may raise to stop waiting. On KeyboardInterrupt Shopify is asked to end it,
        unless `cancel` is false. Shopify itself ends a query after 10 days and a mutation after 24 hours
        (shopify-admin-api.md C.1). Raises ResultGone where Shopify does not know it any more.
        """
        pause_s = _POLL_S
        try:
            while state.live:
                self.waiter.wait(pause_s, f"for bulk operation {state.id}")
                pause_s = min(_POLL_MOST_S, pause_s * _POLL_GROWTH)
                found = self.state(state.id)
                if found is None:
                    raise ResultGone(
                        f"Shopify does not know bulk operation {state.id} any more", next="run the command again"
                    )
                state = found
                if progress is not None:
                    progress(state)
        except KeyboardInterrupt:
            if cancel and state.live:
                log.info("interrupted: asking Shopify to end bulk operation %s", state.id)
                with suppress(SyncError):  # what the user did is what is told
                    self.cancel(state.id)
            raise
        return state

    def cancel(self, id: int) -> BulkState | None:
        """Ask for its end, which may take a moment (CANCELING); None where Shopify knows none. 10 points.

        One that has ended already is no error: its state is returned (recorded: bulk-operation-status-catalog-cancel).
        Raises RequestRefused where it is still live and Shopify refuses.
        """
        variables = {"id": gid("BulkOperation", id)}
        # Repeatable: a second call finds it CANCELING and changes nothing.
        reply = self.client.execute(
            Operation("BulkCancel", CANCEL, variables, root="bulkOperationCancel", mutation=True)
        )
        with as_asked():
            payload = reply.data["bulkOperationCancel"]
            node, errors = payload["bulkOperation"], payload["userErrors"]
            found = None if node is None else state_of(node)
            messages = " ".join(str(error["message"]) for error in errors)
        if found is None:
            found = self.state(id)
        if found is not None and messages and found.live and found.status != "CANCELING":
            raise RequestRefused(f"Shopify does not end bulk operation {id}: {messages}")
        return found


def _refusal(codes: set[str], messages: str, errors: list[dict[str, Any]]) -> SyncError:
    """What the userErrors of a start mean. Codes: `BulkOperationUserErrorCode`, `BulkMutationErrorCode` (schema)."""
    if "INTERNAL_FILE_SERVER_ERROR" in codes:  # "might be intermittent" (schema); nothing was started
        error = unreachable("internal", "Shopify", detail=messages)
        error.sent = False
        return error
    if codes & {"OPERATION_IN_PROGRESS", "LIMIT_REACHED"}:
        ids = tuple(dict.fromkeys(int(number) for number in _IN_MESSAGE.findall(messages)))
        return SlotsTaken(
            "Shopify runs as many bulk operations for this app and shop as it allows at once",
            ids=ids,
            why=messages,
            next="wait until one of them has ended, or cancel it; then run the command again",
        )
    return BulkRefused(
        f"Shopify does not start the bulk operation: {messages or 'no reason given'}",
        reason=next((code for code in sorted(codes) if code), ""),
        errors=errors,
        next=_REMEDIES.get(next(iter(codes), ""), "run the command with -vv and report what it prints"),
    )


_REMEDIES = {
    "NO_SUCH_FILE": "upload the file again, then start anew",
    "INVALID_STAGED_UPLOAD_FILE": "upload a file that is not empty and at most 100 MB",
}
