"""The entities: one module each, found by looking. Each has an `ENTITY`."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from shopify_sync.spec import Entity

# Names are known without importing anything, so that help and completion stay fast; a test compares.
NAMES = ("products",)


@cache
def entity(name: str) -> Entity:
    """The declaration of an entity. Raises KeyError for a name that is none."""
    if name not in NAMES:
        raise KeyError(name)
    found: Entity = importlib.import_module(f"{__name__}.{name}").ENTITY
    return found


def discovered() -> tuple[str, ...]:
    """The modules of this package, for the test that keeps `NAMES` true."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))
