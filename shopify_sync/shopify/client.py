"""The Admin API client: operations in, replies out, within Shopify's limits."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from shopify_sync.clock import Clock
from shopify_sync.errors import ConfigError, UsageError
from shopify_sync.records import ApiUse, Operation, RecordError, Reply, Transport
from shopify_sync.resilience.backoff import Backoff
from shopify_sync.resilience.breaker import Breaker
from shopify_sync.resilience.bucket import CostBucket, RequestBucket
from shopify_sync.shopify.auth import ClientCredentials, StaticToken, TokenSource, valid_domain
from shopify_sync.shopify.transports.breaker import BreakerTransport
from shopify_sync.shopify.transports.files import FileTransport
from shopify_sync.shopify.transports.http import HttpTransport
from shopify_sync.shopify.transports.retry import RetryTransport
from shopify_sync.shopify.transports.throttle import OnWait, ThrottleTransport, Waiter

log = logging.getLogger(__name__)

_LATER = "nothing is wrong with the record; `shopify-sync retry` sends it again"
_FOREIGN = "it belongs to another app, which alone can write it: put it back here as Shopify has it"
_REMEDIES = {
    "TAKEN": "give it another value; this one is in use on Shopify",
    "HANDLE_NOT_UNIQUE": "give the product another handle; this one is in use on Shopify",
    "INVALID_METAFIELD": "compare the metafield's type and value with its definition on Shopify",
    "INVALID_VALUE": "compare the value with what the metafield's type allows",
    "STALE_OBJECT": "it changed on Shopify meanwhile; pull, then push again",
    "PRODUCT_DOES_NOT_EXIST": "it was deleted on Shopify; pull, then decide",
    "PRODUCT_VARIANT_DOES_NOT_EXIST": "the variant was deleted on Shopify; pull, then push again",
    "OPTIONS_OVER_LIMIT": "a product has at most three options",
    "VARIANTS_OVER_LIMIT": "a product has at most 2,048 variants",
    "TOO_LONG": "shorten the value",
    "BLANK": "fill in the value",
    "OPERATION_IN_PROGRESS": _LATER,
    "IDEMPOTENCY_CONCURRENT_REQUEST": _LATER,
    "SERVICE_UNAVAILABLE": _LATER,
    "INTERNAL_ERROR": _LATER,
}
_OTHERWISE = "correct the value in the database; the next push sends it again"


class Client:
    """Sends operations and keeps what they cost in `use`. `files` reaches other hosts, without the token.

    `on_wait` is told each wait, also by others who wait on behalf of this client.
    """

    def __init__(
        self,
        transport: Transport,
        use: ApiUse,
        asked_version: str,
        close: Callable[[], None] | None = None,
        costs: CostBucket | None = None,
        files: FileTransport | None = None,
        on_wait: OnWait | None = None,
    ) -> None:
        self.transport, self.use, self.asked_version, self._close = transport, use, asked_version, close
        self.costs, self.files, self.on_wait = costs, files, on_wait
        self.served_version: str | None = None

    @property
    def restore_rate(self) -> float:
        """Points that flow back in a second, as Shopify last said."""
        return self.costs.restore_rate if self.costs is not None else 50.0

    def execute(self, operation: Operation) -> Reply:
        """The reply to one operation. Raises the families of `errors.py`."""
        reply = self.transport.send(operation)
        if reply.api_version and reply.api_version != self.served_version:
            self.served_version = reply.api_version
            if reply.api_version != self.asked_version:
                # An unsupported version is answered by the oldest supported one, without any error
                # (shopify.dev, "API versioning").
                log.warning(
                    "asked for API %s, Shopify served %s: upgrade shopify-sync",
                    self.asked_version,
                    reply.api_version,
                )
        return reply

    def close(self) -> None:
        """Give the connections back."""
        if self.files is not None:
            self.files.close()
        if self._close is not None:
            self._close()


class PageSize:
    """How many records to ask for at once: halved when that was too dear or too slow, grown slowly when quick.

    `waited` tells the seconds that the client has waited so far: waiting for points says nothing about the page.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        start: int = 50,
        largest: int = 250,
        target_s: float = 5.0,
        waited: Callable[[], float] | None = None,
    ) -> None:
        self.clock, self.current, self.largest, self.target_s = clock, start, largest, target_s
        self._waited: Callable[[], float] = waited or (lambda: 0.0)

    def shrink(self, failed_at: int) -> None:
        self.current = max(1, failed_at // 2)

    @contextmanager
    def measured(self, count: int) -> Iterator[None]:
        """Watch one request for `count` records."""
        started = self.clock.monotonic() - self._waited()
        yield
        took = self.clock.monotonic() - self._waited() - started
        if took > self.target_s:
            self.current = max(1, min(self.current, count // 2))
        elif took < self.target_s / 4 and count >= self.current:
            self.current = min(self.largest, self.current + max(1, self.current // 2))


def user_errors(payload: Mapping[str, Any]) -> list[RecordError]:
    """What Shopify has against the record itself, of whatever mutation.

    The list has many names (`userErrors`, `orderCancelUserErrors`, …), `code` is not on all of them, `field` may be
    null (Admin schema, `DisplayableError`).
    """
    found = []
    for name, entries in payload.items():
        if not name.endswith("serErrors"):
            continue
        for entry in entries or ():
            code = str(entry.get("code") or "")
            found.append(
                RecordError(
                    message=str(entry.get("message") or "refused"),
                    code=code or "USER_ERROR",
                    field_path=".".join(str(step) for step in entry.get("field") or ()),
                    category="conflict" if code in ("STALE_OBJECT", "TAKEN", "HANDLE_NOT_UNIQUE") else "validation",
                    remedy=_FOREIGN if _is_foreign(code, entry) else _REMEDIES.get(code, _OTHERWISE),
                )
            )
    return found


def _is_foreign(code: str, entry: Mapping[str, Any]) -> bool:
    """A metafield of another app (recorded: metafields-set-delete-app-namespace-resolution)."""
    return code == "APP_NOT_AUTHORIZED" or str(entry.get("message")).startswith("Access to this namespace")


def build_client(
    *,
    domain: str,
    api_url: str | None,
    api_version: str,
    token: str | None = None,
    client_id: str | None = None,
    client_secret: str | None = None,
    breaker: Breaker,
    clock: Clock,
    requests_per_s: float = 40.0,
    burst: int = 80,
    reserve_points: float = 50.0,
    retries: int = 3,
    base_s: float = 0.5,
    cap_s: float = 20.0,
    deadline_s: float = 120.0,
    timeout_s: float = 30.0,
    connect_timeout_s: float = 5.0,
    on_wait: OnWait | None = None,
    rng: random.Random | None = None,
) -> Client:
    """A client for one shop: Retry(Breaker(Throttle(Http))). Raises ConfigError, UsageError without credentials."""
    if not valid_domain(domain):
        raise ConfigError(
            f"{domain!r} is not the permanent address of a shop",
            why="a token is only ever sent to such an address",
            next="use the form my-shop.myshopify.com, without https:// and without a path",
        )
    tokens: TokenSource
    if token:
        tokens = StaticToken(token)
    elif client_id and client_secret:
        tokens = ClientCredentials(client_id, client_secret, domain, clock)
    else:
        raise UsageError(
            f"there are no credentials for {domain}",
            next="set SHOPIFY_ACCESS_TOKEN, or SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET",
        )
    use = ApiUse()
    waiter = Waiter(clock, use, on_wait)
    base_url = (api_url or f"https://{domain}").rstrip("/")
    http = HttpTransport(
        base_url,
        api_version,
        tokens,
        clock,
        timeout_s=timeout_s,
        connect_timeout_s=connect_timeout_s,
        answer_s=deadline_s,
    )
    costs = CostBucket(clock, reserve=reserve_points)
    requests = RequestBucket(clock, rate=requests_per_s, burst=burst)
    throttle = ThrottleTransport(http, costs, requests, waiter, use)
    backoff = Backoff(base_s, cap_s, rng or random.Random())  # noqa: S311 - spreads load, guards nothing
    retry = RetryTransport(
        BreakerTransport(throttle, breaker),
        breaker,
        backoff,
        waiter,
        clock,
        use,
        retries=retries,
        deadline_s=deadline_s,
    )
    files = FileTransport(timeout_s, connect_timeout_s, tls_only=base_url.startswith("https:"))
    return Client(retry, use, api_version, http.close, costs, files, on_wait)
