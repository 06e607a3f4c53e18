"""Settings: flags over environment over file over defaults, every mistake told at once with its line."""

from __future__ import annotations

from shopify_sync.config.load import default_database, find_file, load
from shopify_sync.config.settings import EntitySettings, Flags, Secret, Settings, shown, without_password

__all__ = [
    "EntitySettings",
    "Flags",
    "Secret",
    "Settings",
    "default_database",
    "find_file",
    "load",
    "shown",
    "without_password",
]
