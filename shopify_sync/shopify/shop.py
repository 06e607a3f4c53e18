"""What a client asks about the shop itself: who it is, what the token may do, where products are published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shopify_sync.errors import MissingScope
from shopify_sync.records import Operation, number_of
from shopify_sync.shopify.client import Client

START_UP = (
    "query StartUp { shop { name myshopifyDomain currencyCode ianaTimezone plan { publicDisplayName } } "
    "currentAppInstallation { accessScopes { handle } } publicApiVersions { handle supported } }"
)
# `name` is deprecated in favour of the catalog's title, which an app's own channel may not have.
PUBLICATIONS = "query Publications { publications(first: 50) { nodes { id name } } }"
ONLINE_STORE = "Online Store"


@dataclass(frozen=True, slots=True)
class ShopInfo:
    """`versions` are the supported ones, newest last; `served_at` is the server's clock."""

    domain: str
    name: str
    currency: str
    timezone: str
    plan: str
    scopes: tuple[str, ...]
    versions: tuple[str, ...]
    served_version: str
    served_at: datetime


def ask(client: Client) -> ShopInfo:
    """One request, 5 points. Raises what any request may raise."""
    reply = client.execute(Operation("StartUp", START_UP))
    shop, installation = reply.data["shop"], reply.data["currentAppInstallation"]
    return ShopInfo(
        domain=shop["myshopifyDomain"],
        name=shop["name"],
        currency=shop["currencyCode"],
        timezone=shop["ianaTimezone"],
        plan=shop["plan"]["publicDisplayName"],
        scopes=tuple(sorted(scope["handle"] for scope in installation["accessScopes"])),
        versions=tuple(version["handle"] for version in reply.data["publicApiVersions"] if version["supported"]),
        served_version=reply.api_version,
        served_at=reply.served_at,
    )


def online_store(client: Client) -> int | None:
    """The Online Store's publication; None where the shop has none or the token may not see it."""
    try:
        found = client.execute(Operation("Publications", PUBLICATIONS)).data["publications"]["nodes"]
    except MissingScope:
        return None
    return next((number_of(node["id"]) for node in found if node["name"] == ONLINE_STORE), None)


def missing_scopes(granted: tuple[str, ...], needed: tuple[str, ...]) -> list[str]:
    """Scopes that are needed and not granted. A write scope includes reading (shopify.dev, "Access scopes")."""
    have = set(granted) | {f"read_{scope.removeprefix('write_')}" for scope in granted if scope.startswith("write_")}
    return [scope for scope in needed if scope not in have]
