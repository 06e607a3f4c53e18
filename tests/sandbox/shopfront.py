"""A simulated shop in one process: the whole GraphQL side of the server, without HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from shopify_sync.clock import ManualClock
from shopify_sync.sandbox.api import Api, Refused
from shopify_sync.sandbox.bucket import Bucket
from shopify_sync.sandbox.scopes import ALL_SCOPES
from shopify_sync.sandbox.state import Shop
from shopify_sync.sandbox.stats import Stats

Json = dict[str, Any]


class Shopfront:
    """A shop behind the whole GraphQL side of the server, without HTTP; its bucket never runs dry."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self._api = Api(shop, Bucket(1_000_000, 1_000_000, shop.clock), Stats())

    def run(self, document: str, variables: Json | None = None, scopes: Iterable[str] = ALL_SCOPES) -> Json:
        """The body of the answer."""
        body = orjson.dumps({"query": document, "variables": variables or {}})
        try:
            return self._api.run(self._api.prepare(body), frozenset(scopes), "2026-10")
        except Refused as refused:
            answer: Json = refused.body
            return answer

    @classmethod
    def fresh(cls) -> Shopfront:
        """An empty shop whose clock stands still."""
        return cls(Shop(clock=ManualClock()))

    def data(self, document: str, **variables: Any) -> Any:
        """What the first root field delivers; fails on top-level errors."""
        body = self.run(document, variables)
        assert "errors" not in body, body["errors"]
        return next(iter(body["data"].values()))

    def errors(self, document: str, **variables: Any) -> list[tuple[Any, str, str | None]]:
        """The user errors of a refused mutation as (field, message, code); fails when the shop has changed."""
        before = self.shop.digest()
        payload = self.data(document, **variables)
        assert self.shop.digest() == before, "a refused mutation changed the shop"
        return [(row["field"], row["message"], row.get("code")) for row in payload["userErrors"]]

    def wait(self, seconds: float = 10) -> None:
        """Let time pass."""
        self.shop.advance(seconds)
