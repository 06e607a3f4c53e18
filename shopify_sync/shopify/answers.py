"""Reading answers: JSON of another shape than asked for (a proxy's, say) is a broken answer and no bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from shopify_sync.errors import Unreachable


@contextmanager
def as_asked() -> Iterator[None]:
    """Wrap whatever takes an answer apart. Raises Unreachable (`not_json`) where the parts are not there."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise Unreachable(
            "Shopify's answer has another shape than what was asked for",
            kind="not_json",
            why=f"{type(error).__name__} while reading it",
            next="run the command again later; if it stays so, report what it prints with -vv",
        ) from error
