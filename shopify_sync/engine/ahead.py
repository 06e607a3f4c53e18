"""Reading ahead: the next answer is fetched while the last one is stored. In order, and never more than a few ahead.

A thread and a bounded queue: while one waits for Shopify, the other one works in the database.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")
_DONE = object()
_CHECK_S = 0.1  # how soon a producer that waits for room sees that nobody takes any more
_LEAVE_S = 2.0  # how long an end waits for the producer; what it is asking for then is thrown away


@contextmanager
def ahead(items: Iterable[T], depth: int = 1) -> Iterator[Iterator[T]]:
    """The same items, made in another thread, at most `depth` of them in store. What the maker raises is raised here
    after the items before it. Leaving the block for whatever reason stops the maker at its next item."""
    waiting: queue.Queue[object] = queue.Queue(maxsize=depth)
    stop = threading.Event()
    failure: list[BaseException] = []

    def put(item: object) -> bool:
        while not stop.is_set():
            try:
                waiting.put(item, timeout=_CHECK_S)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for item in items:
                if not put(item):
                    break
        except BaseException as error:  # told to whoever takes the items
            failure.append(error)
        finally:
            if isinstance(items, Generator):
                items.close()
            put(_DONE)

    def take() -> Iterator[T]:
        while True:
            item = waiting.get()
            if item is _DONE:
                if failure:
                    raise failure[0]
                return
            yield item  # type: ignore[misc]  # only what `items` made is in the queue, and the end

    maker = threading.Thread(target=make, name="ahead", daemon=True)
    maker.start()
    try:
        yield take()
    finally:
        stop.set()
        maker.join(_LEAVE_S)
