"""The simulated shop as an HTTP server on loopback.

    POST /admin/api/{version}/graphql.json      GET /admin/api/{version}/shop.json
    POST /admin/oauth/access_token              GET /admin/oauth/access_scopes.json
    /staged-uploads/  /bulk-operation-outputs/  files of bulk operations, signed, without token: see bulk/http.py
    /_sandbox/...                               the side door, see control.py

Only the standard library serves: one thread per connection, HTTP/1.1 kept alive, one write per answer.
"""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from shopify_sync.clock import Clock, SystemClock
from shopify_sync.sandbox.api import Api
from shopify_sync.sandbox.bucket import Bucket
from shopify_sync.sandbox.faults import Fault, Faults, parse_fault
from shopify_sync.sandbox.handler import Handler, Listener
from shopify_sync.sandbox.merchant import edit
from shopify_sync.sandbox.oauth import Tokens
from shopify_sync.sandbox.order_seed import seed_orders
from shopify_sync.sandbox.order_trade import trade as _trade  # noqa: F401  # brings its edits, and those of one order
from shopify_sync.sandbox.scopes import ALL_SCOPES
from shopify_sync.sandbox.seed import seed as seed_shop
from shopify_sync.sandbox.state import Shop
from shopify_sync.sandbox.stats import Stats

DEFAULT_TOKEN = "shpat_sandbox0000000000000000000000"  # noqa: S105  # opens nothing but this process
DEFAULT_CLIENT_ID = "sandbox-client"
DEFAULT_CLIENT_SECRET = "shpss_sandbox0000000000000000000000"  # noqa: S105


class SandboxServer:
    """One simulated store behind HTTP; a context manager, or `start()` and `stop()`.

    `products`, `orders` and `seed`: the catalogue and the orders made when the store has none. `state`: a SQLite file
    that keeps the store, else it lives in memory. `bucket` (points) and `restore` (points per second): the cost bucket;
    `rest_bucket`: requests, refilled at 2 per second. `clock` drives time stamps, the buckets and latency faults.
    `faults`: rules as text or `Fault`. `scopes`: what the tokens may do. `echo_s`: see `Shop`. `bulk_s`: seconds of the
    clock that a bulk operation takes. Attributes: url, host, port, token, domain, shop, faults.
    """

    def __init__(
        self,
        products: int = 0,
        seed: int = 1,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        state: Path | str | None = None,
        token: str = DEFAULT_TOKEN,
        client_id: str = DEFAULT_CLIENT_ID,
        client_secret: str = DEFAULT_CLIENT_SECRET,
        bucket: float = 2000,
        restore: float = 100.0,
        clock: Clock | None = None,
        rest_bucket: int = 40,
        scopes: tuple[str, ...] = ALL_SCOPES,
        echo_s: float = 0,
        bulk_s: float = 0,
        expires_in_s: int = 86399,
        faults: tuple[Fault | str, ...] = (),
        shop: Shop | None = None,
        orders: int = 0,
    ) -> None:
        self.clock: Clock = clock or SystemClock()
        if shop is not None:
            self.shop = shop
        else:
            self.shop = Shop(clock=self.clock) if state is None else Shop.open(state, clock=self.clock)
        self.shop.echo_s = echo_s or self.shop.echo_s
        self.shop.desk.bulk_s = bulk_s or self.shop.desk.bulk_s
        self.shop.desk.seed = seed
        self.token = token
        self.scopes = frozenset(scopes)
        self.tokens = Tokens(
            self.shop,
            token=token,
            client_id=client_id,
            client_secret=client_secret,
            scopes=self.scopes,
            expires_in_s=expires_in_s,
        )
        self.bucket = Bucket(bucket, restore, self.clock)
        self.rest_bucket = Bucket(rest_bucket, 2.0, self.clock)
        self.statistics = Stats()
        self.faults = Faults([parse_fault(rule) if isinstance(rule, str) else rule for rule in faults], seed)
        self.shop.desk.faults = self.faults
        self.api = Api(self.shop, self.bucket, self.statistics)
        self.snapshots: dict[str, bytes] = {}  # those of the control endpoint, by name
        if products and not self.shop.table("Product"):
            self.seed(products, seed)
        if orders and not self.shop.table("Order"):
            self.seed(0, seed, orders=orders)
        self._listener = Listener((host, port), Handler, self)
        self.host = host
        self.port = int(self._listener.server_address[1])
        self.shop.desk.url = self.url
        self._thread: threading.Thread | None = None
        self._serving_in: int | None = None  # the thread inside `serve_forever`

    @property
    def url(self) -> str:
        """Where the store is reached, without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def domain(self) -> str:
        """The store's `*.myshopify.com` name, which it reports but is not reached by."""
        return self.shop.domain

    def start(self) -> SandboxServer:
        """Serve from a thread of its own."""
        self._thread = threading.Thread(
            target=self._listener.serve_forever, kwargs={"poll_interval": 0.02}, name="sandbox", daemon=True
        )
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread until `stop` is called from another one, or KeyboardInterrupt."""
        self._serving_in = threading.get_ident()
        try:
            self._listener.serve_forever()
        finally:
            self._serving_in = None
            self.stop()

    def stop(self) -> None:
        """Stop serving, cut the connections, write the file; can be called twice and from any thread."""
        if self._serving_in not in (None, threading.get_ident()):
            self._listener.shutdown()  # the other thread then comes here itself
            return
        if self._thread is not None:
            self._listener.shutdown()
            self._thread.join()
            self._thread = None
        self._listener.close_connections()
        self._listener.server_close()
        self.shop.close()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- the side door, for callers in this process

    def stats(self) -> dict[str, Any]:
        """{requests, queries, mutations, points, throttled, by_operation, by_status} since the last reset."""
        return self.statistics.as_json()

    def reset_stats(self) -> None:
        self.statistics.reset()

    def edit(self, **change: Any) -> dict[str, Any]:
        """Change the store as its merchant would; keywords as in `merchant.edit`. Raises BadControl."""
        return edit(self.shop, change)

    def digest(self) -> str:
        """SHA-256 of the whole store, see `Shop.digest`: equal before and after what must change nothing."""
        with self.shop.lock:
            return self.shop.digest()

    def snapshot(self) -> bytes:
        """The whole store, for `restore`."""
        with self.shop.lock:
            return self.shop.snapshot()

    def restore(self, snapshot: bytes) -> None:
        """Put the store back to a snapshot, its own or another store's; clock, statistics, faults and tokens stay."""
        with self.shop.lock:
            self.shop.restore(snapshot)

    def fault(self, rule: Fault | str) -> None:
        """Add a rule; `faults.replace([])` takes all away."""
        self.faults.add(parse_fault(rule) if isinstance(rule, str) else rule)

    def seed(self, products: int, seed: int = 1, *, orders: int = 0) -> None:
        """Add a catalogue, then orders over all that is there."""
        with self.shop.lock:
            if products:
                seed_shop(self.shop, products=products, seed=seed)
            if orders:
                seed_orders(self.shop, orders, seed)
            self.shop.flush()

    def reset(self) -> None:
        """An empty store, full buckets, no statistics, no faults, no granted tokens."""
        with self.shop.lock:
            self.shop.reset()
        self.bucket.fill()
        self.rest_bucket.fill()
        self.reset_stats()
        self.faults.replace([])
        self.tokens.revoke()
