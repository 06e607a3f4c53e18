"""The simulated shop: an HTTP server on loopback that speaks the Admin API. See server.py.

Importing the package is cheap; the server, and graphql-core with it, is imported when `SandboxServer` is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopify_sync.sandbox.server import SandboxServer

__all__ = ["SandboxServer"]


def __getattr__(name: str) -> Any:
    if name == "SandboxServer":
        from shopify_sync.sandbox.server import SandboxServer

        return SandboxServer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
