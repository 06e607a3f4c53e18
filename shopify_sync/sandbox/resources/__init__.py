"""What the simulated shop serves, one module per resource; they register themselves on import."""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every module of this package; done once, further calls cost a dictionary look-up each."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
