"""Joining the parts: the only package that builds clients, databases and engines and lets them run."""

from shopify_sync.app.checks import Check
from shopify_sync.app.core import App, open_app, worst
from shopify_sync.app.importing import ImportResult

__all__ = ["App", "Check", "ImportResult", "open_app", "worst"]
