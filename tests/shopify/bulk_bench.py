"""A sandbox shop and the client of bulk operations, on one clock that nobody waits for."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from shopify_sync.clock import ManualClock
from shopify_sync.resilience.breaker import Breaker, MemoryBreakerStore
from shopify_sync.sandbox import SandboxServer
from shopify_sync.sandbox.desk import Operation
from shopify_sync.shopify.bulk import Bulk, BulkState
from shopify_sync.shopify.client import build_client

CREATE = (
    "mutation Create_%s($product: ProductCreateInput!) { productCreate(product: $product) "
    "{ product { id title } userErrors { field message } } }"
)


def query(token: str) -> str:
    return f"query Pull_{token} {{ products {{ edges {{ node {{ id title }} }} }} }}"


def jsonl(size: int) -> bytes:
    """About `size` bytes of lines that all differ and pack no better than real ones."""
    lines = []
    number = length = 0
    while length < size:
        lines.append(b'{"id":"gid:\\/\\/shopify\\/Product\\/%d","title":"%s"}\n' % (number, _noise(number)))
        length += len(lines[-1])
        number += 1
    return b"".join(lines)


def _noise(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).hexdigest().encode()


class Bench:
    """`bulk` talks to `server`. Sleeping moves the clock of both."""

    def __init__(self, products: int = 20, **options: Any) -> None:
        self.clock = ManualClock()
        self.server = SandboxServer(products=products, seed=5, clock=self.clock).start()
        self.store = MemoryBreakerStore()
        self.client = build_client(
            domain=self.server.domain,
            api_url=self.server.url,
            api_version="2026-10",
            token=self.server.token,
            breaker=Breaker(self.store, self.clock, holder="test"),
            clock=self.clock,
            **options,
        )
        self.bulk = Bulk(self.client, self.clock)

    def close(self) -> None:
        self.client.close()
        self.server.stop()

    @property
    def operations(self) -> list[Operation]:
        """Those that the shop has started."""
        return list(self.server.shop.desk.operations.values())

    def done(self, content: bytes | None = None, token: str = "done") -> BulkState:
        """A query that has ended; its result holds `content` instead of what the shop would have written."""
        state = self.bulk.wait(self.bulk.start_query(query(token), grouped=False, token=token))
        if content is not None:
            self.operations[-1].path.write_bytes(content)
        found = self.bulk.state(state.id)
        assert found is not None
        assert found.complete
        return found

    def result(self, state: BulkState) -> bytes:
        """What lies on the server."""
        return self.server.shop.desk.operations[state.id].path.read_bytes()

    def statuses(self) -> dict[str, int]:
        """How often each HTTP status, or a reset, was the answer since the last `reset_stats`."""
        # Asked over the connection of the files: an answer is counted after it is sent, and before the next is.
        assert self.client.files is not None
        with self.client.files.get(f"{self.server.url}/_sandbox/stats", {"Accept-Encoding": "identity"}) as answer:
            found: dict[str, int] = orjson.loads(b"".join(answer.pieces()))["by_status"]
        return found


def part_of(target: Path, state: BulkState) -> Path:
    """Where an unfinished download lies."""
    return target.with_name(f"{target.name}.{state.id}.part")
