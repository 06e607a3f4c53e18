"""One shop's store on each database, and another program's connection to it."""

from tests.store.conftest import plain, store

__all__ = ["plain", "store"]
