"""One entity of the Admin API, as the engine sees it: list, fetch whole, find by key, send."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from shopify_sync.clock import Clock
from shopify_sync.errors import MissingScope, QueryTooExpensive, RequestRefused, Unreachable
from shopify_sync.records import (
    ApiUse,
    Fetched,
    Listed,
    Node,
    Operation,
    Page,
    RecordError,
    Reply,
    Sent,
    gid,
    number_of,
)
from shopify_sync.shopify.answers import as_asked
from shopify_sync.shopify.assembling import in_order
from shopify_sync.shopify.client import Client, PageSize, user_errors
from shopify_sync.shopify.errors import SLOW
from shopify_sync.spec import Child, Entity, documents
from shopify_sync.spec.mapping import parse_time

STAMPS_A_CALL = 250  # list inputs take 250 elements (shopify.dev, "API limits")
CONNECTION_PAGE = 250
_TORN_READS = 3


class ShopifyRemote:
    """The engine's `Remote`. `size` adapts how many records are fetched whole in one request."""

    def __init__(self, client: Client, entity: Entity, clock: Clock, size: PageSize | None = None) -> None:
        self.client, self.entity = client, entity
        self.size = size or PageSize(clock, waited=lambda: client.use.waited_s)
        self.served_at: datetime | None = None
        self.sets = [child.path for child in entity.children if child.connection and not child.ordered]

    @property
    def use(self) -> ApiUse:
        return self.client.use

    def fetch_size(self) -> int:
        return self.size.current

    def list(self, query: str | None, cursor: str | None, limit: int) -> Page:
        """One light page, oldest change first."""
        operation = Operation(
            f"List{self.entity.label}",
            documents.listing(self.entity),
            {"first": limit, "after": cursor, "query": query},
        )
        return self._page(operation, cursor)

    def enumerate(self, cursor: str | None, limit: int) -> Page:
        """One light page of everything, in order of the ids."""
        document = documents.enumerating(self.entity)
        return self._page(
            Operation(f"Enumerate{self.entity.label}", document, {"first": limit, "after": cursor}), cursor
        )

    def deleted(self, since: datetime) -> Sequence[int] | None:
        """Ids that events say were deleted since then; None where Shopify tells no such thing of this entity.

        A hint: that product deletions bear the action `destroy` is documented for events in general only.
        """
        if not self.entity.subject:
            return None
        moment = since.isoformat(timespec="seconds").replace("+00:00", "Z")
        query = f"subject_type:{self.entity.subject} action:destroy created_at:>='{moment}'"
        found, cursor = dict[int, None](), None
        try:
            while True:
                variables = {"first": CONNECTION_PAGE, "after": cursor, "query": query}
                name = f"Deleted{self.entity.label}"
                reply = self._execute(Operation(name, documents.deletions(self.entity), variables))
                with as_asked():
                    page = reply.data["events"]
                    found |= {number_of(n["subjectId"]): None for n in page["nodes"] if n.get("subjectId")}
                    info = page["pageInfo"]
                    if not info["hasNextPage"]:
                        return list(found)
                    _moving(info, cursor)
                    cursor = info["endCursor"]
        except (MissingScope, RequestRefused):
            return None

    def _page(self, operation: Operation, cursor: str | None) -> Page:
        reply = self._execute(operation)
        with as_asked():
            found = reply.data[self.entity.root]
            items = [Listed(number_of(node["id"]), parse_time(node["updatedAt"])) for node in found["nodes"]]
            info = found["pageInfo"]
            _moving(info, cursor)
            return Page(items, info["endCursor"], bool(info["hasNextPage"]), reply.served_at)

    def count(self, query: str | None) -> int | None:
        """How many there are; None where Shopify only knows a lower bound."""
        operation = Operation(f"Count{self.entity.label}", documents.counting(self.entity), {"query": query})
        found = self._execute(operation).data.get(f"{self.entity.root}Count")
        return int(found["count"]) if found and found["precision"] == "EXACT" else None

    def stamps(self, ids: Sequence[int]) -> dict[int, Listed]:
        """When each was last changed; those that are gone are left out."""
        found: dict[int, Listed] = {}
        for at in range(0, len(ids), STAMPS_A_CALL):
            operation = Operation(
                f"Stamp{self.entity.label}",
                documents.stamping(self.entity),
                {"ids": [gid(self.entity.gid_type, number) for number in ids[at : at + STAMPS_A_CALL]]},
            )
            reply = self._execute(operation)
            with as_asked():
                for node in reply.data["nodes"]:
                    if node:
                        number = number_of(node["id"])
                        found[number] = Listed(number, parse_time(node["updatedAt"]))
        return found

    def fetch(self, ids: Sequence[int]) -> Fetched:
        """Whole nodes with every nested list drained to its end.

        A query that is too expensive or too slow is cut in half and asked again, down to one record.
        """
        nodes: list[Node] = []
        missing: list[int] = []
        read_at: datetime | None = None
        waiting = list(ids)
        while waiting:
            chunk = waiting[: self.size.current]
            try:
                reply = self._fetch(chunk)
            except (QueryTooExpensive, Unreachable) as error:
                slow = isinstance(error, QueryTooExpensive) or error.kind in SLOW
                if not slow or len(chunk) == 1:
                    raise
                self.size.shrink(len(chunk))
                continue
            read_at = min(read_at or reply.served_at, reply.served_at)
            with as_asked():
                for number, node in zip(chunk, reply.data["nodes"], strict=True):
                    if not node or (whole := self._drained(node)) is None:
                        missing.append(number)
                    else:
                        nodes.append(whole)
            waiting = waiting[len(chunk) :]
        if read_at is None:
            raise ValueError("fetch() needs at least one id")
        return Fetched(nodes, missing, read_at)

    def find(self, keys: Sequence[str]) -> dict[str, tuple[int, datetime]]:
        """Which natural keys exist, with id and time of creation."""
        found: dict[str, tuple[int, datetime]] = {}
        for at in range(0, len(keys), 50):
            part = keys[at : at + 50]
            found |= self.entity.push.found(self._execute(self.entity.push.lookup(part)).data, part)
        return found

    def send(self, operation: Operation) -> Sent:
        """Carry out one mutation. What Shopify has against this record is returned, all else is raised."""
        try:
            reply = self._execute(operation)
        except RequestRefused as error:
            return Sent({}, _refused(error))
        payload = reply.data.get(operation.root)
        errors = user_errors(payload) if payload else []
        if payload is None and not errors:
            errors = [RecordError(message=e.get("message", "refused"), code="REFUSED") for e in reply.errors]
        return Sent(payload or {}, errors)

    def _execute(self, operation: Operation) -> Reply:
        reply = self.client.execute(operation)
        self.served_at = reply.served_at
        return reply

    def _fetch(self, ids: Sequence[int]) -> Reply:
        operation = Operation(
            f"Fetch{self.entity.label}",
            documents.fetching(self.entity),
            {"ids": [gid(self.entity.gid_type, number) for number in ids]},
        )
        with self.size.measured(len(ids)):
            return self._execute(operation)

    def _drained(self, node: Node) -> Node | None:
        """The node with plain lists for connections; None if it was deleted meanwhile.

        Where a list needs further pages and the record changes between them, the parts may not fit together; then
        the whole record is read again.
        """
        for _ in range(_TORN_READS):
            torn = False
            for child in self.entity.children:
                if not child.connection:
                    continue
                found: Mapping[str, Any] = node[child.path]
                items = list(found["nodes"])
                info = found["pageInfo"]
                cursor = None
                while info["hasNextPage"]:
                    _moving(info, cursor)
                    cursor = info["endCursor"]
                    more = self._continue(node, child, info["endCursor"])
                    if more is None:
                        return None
                    torn = torn or more["updatedAt"] != node["updatedAt"]
                    items += more[child.path]["nodes"]
                    info = more[child.path]["pageInfo"]
                node[child.path] = items
            if not torn:
                return in_order(node, self.sets)
            again = self._fetch([number_of(node["id"])]).data["nodes"][0]
            if again is None:
                return None
            node = again
        raise Unreachable(
            f"{node['id']} changes faster than it can be read",
            kind="torn_read",
            why=f"its lists are longer than a page and it changed during {_TORN_READS} attempts",
            next="run the pull again when the shop is quieter",
        )

    def _continue(self, node: Node, child: Child, cursor: str) -> Node | None:
        operation = Operation(
            f"Fetch{self.entity.label}{child.path[:1].upper()}{child.path[1:]}",
            documents.continuing(self.entity, child),
            {"id": node["id"], "first": CONNECTION_PAGE, "after": cursor},
        )
        found: Node | None = self._execute(operation).data[self.entity.single]
        return found


def _moving(info: Mapping[str, Any], cursor: str | None) -> None:
    """Raises ValueError for a page that leads nowhere: following it would never end."""
    if info["hasNextPage"] and info["endCursor"] in (None, cursor):
        raise ValueError("there is a next page, but no way to it")


def _refused(error: RequestRefused) -> list[RecordError]:
    """A document or its variables that Shopify does not take: the record's own fault, told as such."""
    found = []
    for entry in error.errors or [{"message": error.what}]:
        extensions = entry.get("extensions") or {}
        problems = extensions.get("problems") or [{}]
        path = ".".join(str(step) for step in problems[0].get("path") or entry.get("path") or ())
        explanation = problems[0].get("explanation")
        found.append(
            RecordError(
                message=f"{entry.get('message', error.what)}" + (f" ({explanation})" if explanation else ""),
                code=str(extensions.get("code") or "REFUSED"),
                field_path=path,
                category="refused",
                remedy="correct the value in the database; the next push sends it again",
            )
        )
    return found
