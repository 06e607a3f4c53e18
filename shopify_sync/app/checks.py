"""`doctor`: what may be wrong with a set-up, each with how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from sqlmodel import SQLModel

from shopify_sync.clock import Clock
from shopify_sync.config import Settings
from shopify_sync.entities import NAMES, entity
from shopify_sync.errors import ConfigError, DatabaseError, MissingScope, SyncError
from shopify_sync.shopify.shop import ShopInfo, missing_scopes
from shopify_sync.store import migrate
from shopify_sync.store.database import Database

# Runs compare times of this machine with Shopify's only roughly; a larger difference makes logs and lags misleading.
_CLOCK_MAY_DIFFER_S = 30
_SUPPORTED_MONTHS = 12
_WARN_DAYS = 60


@dataclass(frozen=True, slots=True)
class Check:
    """`status` is `ok`, `warn` or `fail`; `next` says how to mend it, `exit_code` what it means to a script."""

    name: str
    status: str
    detail: str
    next: str = ""
    exit_code: int = 0

    @classmethod
    def failed(cls, name: str, error: SyncError) -> Check:
        why = f": {error.why}" if error.why else ""
        return cls(name, "fail", f"{error.what}{why}", error.next, error.exit_code)

    def as_json(self) -> dict[str, str]:
        return {"name": self.name, "status": self.status, "detail": self.detail, "next": self.next}


def of_configuration(settings: Settings) -> Check:
    """Whether a shop and its credentials are named."""
    try:
        shop = settings.require_shop()
    except SyncError as error:
        return Check("configuration", "fail", error.what, error.next, error.exit_code)
    where = str(settings.path) if settings.path else "environment and flags"
    return Check("configuration", "ok", f"{shop.domain}, API {shop.api_version}, from {where}")


def of_database(database: Database) -> Iterator[Check]:
    """Whether the database answers, has the program's version, and the tables that belong to it."""
    for name in NAMES:
        entity(name)  # its tables have to be known before they are compared
    try:
        at = migrate.current(database)
        yield Check("database", "ok", f"{database.dialect} at {database.name}")
        if at != migrate.HEAD:
            yield Check(
                "migrations",
                "fail",
                f"at {at}, needs {migrate.HEAD}",
                "run `shopify-sync db upgrade`",
                DatabaseError.exit_code,
            )
            return
        differences = migrate.check(database, SQLModel.metadata)
    except SyncError as error:
        yield Check.failed("database", error)
        return
    if differences:
        yield Check("migrations", "warn", f"{len(differences)} differences: {differences[0]}", "see `db check`")
    else:
        yield Check("migrations", "ok", f"version {at}, tables as expected")


def of_shop(info: ShopInfo, clock: Clock, asked_version: str, domain: str) -> Iterator[Check]:
    """Whether it is the right shop, the token may do what a sync needs, and the API version has a future."""
    if info.domain == domain:
        yield Check("shop", "ok", f"{info.name} ({info.domain}), {info.currency}, plan {info.plan}")
    else:
        yield Check(
            "shop",
            "warn",
            f"the API at this address belongs to {info.domain}, not to {domain}",
            "correct SHOPIFY_SHOP_DOMAIN or SHOPIFY_API_URL",
        )
    for name in NAMES:
        declared = entity(name)
        for direction, needed in (("pull", declared.pull_scopes), ("push", declared.push_scopes)):
            lacking = missing_scopes(info.scopes, needed)
            if lacking:
                yield Check(
                    f"scopes {name} {direction}",
                    "fail" if direction == "pull" else "warn",
                    f"missing: {', '.join(lacking)}",
                    "add them to the app's access scopes and install it again",
                    MissingScope.exit_code if direction == "pull" else 0,
                )
            else:
                yield Check(f"scopes {name} {direction}", "ok", ", ".join(needed))
    yield _version(info, clock, asked_version)
    skew = abs((clock.now() - info.served_at).total_seconds())
    if skew > _CLOCK_MAY_DIFFER_S:
        yield Check("clock", "warn", f"differs from Shopify's by {skew:.0f} s", "set this machine's clock by NTP")
    else:
        yield Check("clock", "ok", f"within {max(1, round(skew))} s of Shopify's")


def _version(info: ShopInfo, clock: Clock, asked: str) -> Check:
    """Versions are supported for twelve months; then the oldest supported one answers instead, without an error.

    Source: shopify.dev, "API versioning".
    """
    if info.served_version != asked:
        return Check(
            "api version",
            "fail",
            f"asked for {asked}, Shopify served {info.served_version}",
            "upgrade shopify-sync, or set SHOPIFY_API_VERSION to a supported version",
            ConfigError.exit_code,
        )
    year, _, month = asked.partition("-")
    if not (year.isdigit() and month.isdigit()):
        return Check("api version", "warn", f"{asked} has no end date", "use a dated version for unattended runs")
    months = int(month) - 1 + _SUPPORTED_MONTHS
    until = date(int(year) + months // 12, months % 12 + 1, 1)
    left = (until - clock.now().date()).days
    if left < _WARN_DAYS:
        return Check("api version", "warn", f"{asked} is supported until {until}", "upgrade shopify-sync before that")
    return Check("api version", "ok", f"{asked}, supported until {until}")
