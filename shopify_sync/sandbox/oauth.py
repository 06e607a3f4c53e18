"""Access tokens of the simulated shop: one static token, and those given by the client-credentials grant.

Source: Shopify docs, client credentials grant: `POST /admin/oauth/access_token` -> access_token, scope (separated by
commas), expires_in (seconds).
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from datetime import datetime, timedelta
from typing import Any

from shopify_sync.sandbox.state import Shop


class Tokens:
    """Who may call, with which scopes. Times are the store's, so that advancing its clock expires tokens."""

    def __init__(
        self,
        shop: Shop,
        *,
        token: str,
        client_id: str,
        client_secret: str,
        scopes: frozenset[str],
        expires_in_s: int = 86399,
    ) -> None:
        self.static = token
        self.client_id = client_id
        self.client_secret = client_secret
        self.scopes = scopes
        self.expires_in_s = expires_in_s
        self._shop = shop
        self._given: dict[str, datetime] = {}
        self._count = 0
        self._lock = threading.Lock()

    def accepts(self, token: str | None) -> bool:
        """Whether this token opens the store now."""
        if not token:
            return False
        if hmac.compare_digest(token.encode(), self.static.encode()):
            return True
        with self._lock:
            until = self._given.get(token)
        return until is not None and self._shop.now() < until

    def grant(self, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """(status, body) for a request to the token endpoint."""
        if given.get("grant_type") != "client_credentials":
            return 400, {"error": "unsupported_grant_type", "error_description": "grant_type is not supported"}
        known = str(given.get("client_id")) == self.client_id
        secret = str(given.get("client_secret", "")).encode()
        if not known or not hmac.compare_digest(secret, self.client_secret.encode()):
            return 400, {"error": "invalid_client", "error_description": "client id or secret is wrong"}
        with self._lock:
            self._count += 1
            seed = f"{self.client_secret}:{self._count}".encode()
            token = f"shpat_{hashlib.sha256(seed).hexdigest()[:32]}"
            self._given[token] = self._shop.now() + timedelta(seconds=self.expires_in_s)
        return 200, {"access_token": token, "scope": ",".join(sorted(self.scopes)), "expires_in": self.expires_in_s}

    def revoke(self) -> None:
        """Forget all tokens given so far; the static one stays."""
        with self._lock:
            self._given.clear()
