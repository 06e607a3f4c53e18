"""The store itself, the app's installation, and the versions served."""

from __future__ import annotations

from typing import Any

from shopify_sync.sandbox.registry import Args, Context, field, query_field
from shopify_sync.sandbox.scopes import granted
from shopify_sync.sandbox.state import Record

SUPPORTED_VERSIONS = ("2026-01", "2026-04", "2026-07", "2026-10")


@query_field("shop")
def shop(ctx: Context, args: Args) -> Record:
    """The one store."""
    del args
    store = ctx.shop
    address = f"owner@{store.domain}"
    return {
        "_type": "Shop",
        "id": store.shop_id,
        "name": store.name,
        "myshopifyDomain": store.domain,
        "email": address,
        "contactEmail": address,
        "shopOwnerName": "Sandbox Owner",
        "description": None,
        "currencyCode": store.currency,
        "enabledPresentmentCurrencies": [store.currency],
        "ianaTimezone": store.timezone,
        "timezoneAbbreviation": "EST",
        "timezoneOffset": "-0500",
        "timezoneOffsetMinutes": -300,
        "taxesIncluded": False,
        "taxShipping": False,
        "setupRequired": False,
        "unitSystem": "IMPERIAL_SYSTEM",
        "weightUnit": "KILOGRAMS",
        "url": f"https://{store.domain}",
        "createdAt": "2023-02-01T09:00:00Z",
        "updatedAt": "2026-01-15T09:00:00Z",
        "plan": {"publicDisplayName": store.plan, "partnerDevelopment": True, "shopifyPlus": store.plan == "Plus"},
        "primaryDomain": {
            "id": store.shop_id,
            "host": store.domain,
            "url": f"https://{store.domain}",
            "sslEnabled": True,
        },
    }


@query_field("currentAppInstallation")
def current_app_installation(ctx: Context, args: Args) -> Record:
    """The caller's installation with the scopes its token has."""
    del args
    return {
        "_type": "AppInstallation",
        "id": 600_000_000_001,
        "accessScopes": [{"handle": scope, "description": scope} for scope in sorted(granted(ctx.scopes))],
        "app": {"id": 5_000_001, "title": "shopify-sync", "handle": ctx.app, "apiKey": ctx.app, "embedded": False},
    }


@query_field("publicApiVersions")
def public_api_versions(ctx: Context, args: Args) -> list[Record]:
    """The versions, oldest first; `unstable` is served but not supported."""
    del ctx, args
    stable = [{"handle": each, "displayName": each, "supported": True} for each in SUPPORTED_VERSIONS]
    return [*stable, {"handle": "unstable", "displayName": "unstable", "supported": False}]


PENDING_JOBS = "PendingCancel"  # rows with the gid of a `job`; dropped when it has been carried out


@query_field("job")
def job(ctx: Context, args: Args) -> Record:
    """Jobs are done as soon as the mutation that made them has answered, but for those that `PENDING_JOBS` keeps."""
    waiting = any(row["job"] == args["id"] for row in ctx.shop.table(PENDING_JOBS).values())
    return {"_type": "Job", "id": args["id"], "done": not waiting}


@field("Job", "query")
def job_query(ctx: Context, raw: Record, args: Args) -> Any:
    del ctx, raw, args
    return {}
