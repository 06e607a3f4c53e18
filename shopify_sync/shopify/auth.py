"""Where the access token comes from, and which hosts may see it.

Sources: Shopify docs "Client credentials grant" (token for 24 h, asked for again before it expires) and "API
authentication" (only the permanent `*.myshopify.com` host). No secret shows in a repr, a log or an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from shopify_sync.clock import Clock
from shopify_sync.errors import ConfigError, SyncError, TokenRejected, Unreachable
from shopify_sync.shopify.errors import from_status

RENEW_EARLY_S = 300.0  # a token is given up this long before it expires
TOKEN_PATH = "/admin/oauth/access_token"  # noqa: S105  # a path
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")

Post: TypeAlias = Callable[[str, Mapping[str, str]], tuple[int, Mapping[str, str], bytes]]
"""POST a form to a path: (status, headers, body). Raises Unreachable."""

_REMEDIES = {
    "shop_not_permitted": "the app and the shop must belong to the same organization; otherwise use a static token",
    "app_not_installed": "install the app in the shop, then run the command again",
    "invalid_client": "check client_id and client_secret in the configuration",
    "invalid_request": "check client_id and client_secret in the configuration",
}


def valid_domain(domain: str) -> bool:
    """Whether this is a shop's permanent host, e.g. `my-shop.myshopify.com`, and nothing more."""
    return _DOMAIN.fullmatch(domain) is not None


class TokenSource(Protocol):
    """`renewable` says whether `renew` can bring another token."""

    renewable: bool

    def token(self, post: Post) -> str: ...

    def renew(self, post: Post) -> str: ...


class StaticToken:
    """An Admin API token that is shown once and does not expire."""

    renewable = False
    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise ConfigError(
                "the access token has a form that can't be sent",
                why="it is empty, or holds blanks, line breaks or letters outside ASCII",
                next="copy it again; Shopify's tokens look like shpat_ and 32 characters",
            )
        self._token = token

    def token(self, post: Post) -> str:
        """The token."""
        return self._token

    def renew(self, post: Post) -> str:
        """The same token: there is no other."""
        return self._token

    def __repr__(self) -> str:
        return "StaticToken('***')"


class ClientCredentials:
    """A token by the client-credentials grant, kept until five minutes before it expires."""

    renewable = True
    __slots__ = ("_client_id", "_clock", "_domain", "_secret", "_token", "_until")

    def __init__(self, client_id: str, client_secret: str, domain: str, clock: Clock) -> None:
        self._client_id, self._secret, self._domain, self._clock = client_id, client_secret, domain, clock
        self._token: str | None = None
        self._until = 0.0

    def token(self, post: Post) -> str:
        """The kept token, or a new one. Raises TokenRejected, ShopClosed, Unreachable."""
        if self._token is not None and self._clock.monotonic() < self._until:
            return self._token
        return self.renew(post)

    def renew(self, post: Post) -> str:
        """A new token, whatever is kept. Raises as `token`."""
        self._token = None
        form = {"grant_type": "client_credentials", "client_id": self._client_id, "client_secret": self._secret}
        status, headers, body = post(TOKEN_PATH, form)
        found = _object(body)
        if status != 200:
            raise _refusal(status, headers, body, self._domain)
        token = found.get("access_token")
        if not isinstance(token, str) or not token:
            raise Unreachable("Shopify's answer to the request for a token holds none", kind="not_json")
        lifetime = found.get("expires_in")
        seconds = float(lifetime) if isinstance(lifetime, int | float) else 86_399.0
        early = min(RENEW_EARLY_S, seconds / 2)
        self._token, self._until = token, self._clock.monotonic() + seconds - early
        return token

    def __repr__(self) -> str:
        return "ClientCredentials('***')"


def _object(body: bytes) -> dict[str, Any]:
    import orjson

    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _refusal(status: int, headers: Mapping[str, str], body: bytes, domain: str) -> SyncError:
    """The error of the token endpoint; one we do not know keeps the meaning of its status."""
    found = _object(body)
    code = str(found.get("error") or "")
    if not code:  # Shopify answers some refusals with an HTML page that names the code
        text = body[:20_000].decode("utf-8", "replace")
        code = next((known for known in _REMEDIES if known in text), "")
    if status >= 500 or status in (402, 404, 423, 429):
        other = from_status(status, headers, body, domain)
        if other is not None:
            return other
    return TokenRejected(
        f"Shopify gives no token for {domain} with this client id and secret",
        why=f"{code}: {found.get('error_description') or f'HTTP {status}'}" if code else f"HTTP {status}",
        next=_REMEDIES.get(code, "check client_id and client_secret, and that the app is installed in the shop"),
        details={"error": code, "status": status},
    )
