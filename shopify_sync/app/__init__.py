"""Joining the parts: the only package that builds clients, databases and engines and lets them run."""

from shopify_sync.app.core import App, Switches, open_app
from shopify_sync.app.importing import ImportResult
from shopify_sync.app.running import worst

__all__ = ["App", "ImportResult", "Switches", "open_app", "worst"]
