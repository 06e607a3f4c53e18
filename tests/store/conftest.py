"""One shop's store on each database, and another program's connection to the same."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from shopify_sync.clock import ManualClock
from shopify_sync.store import shops
from shopify_sync.store.database import Database
from tests.store.goods import Plain, Store


@pytest.fixture
def store(database: Database) -> Store:
    clock = ManualClock()
    shop = shops.get_or_create(database, "demo.myshopify.com", clock)
    return Store(database, shop["id"], clock)


@pytest.fixture
def plain(database_url: str) -> Iterator[Plain]:
    client = Plain(database_url)
    yield client
    client.close()


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
