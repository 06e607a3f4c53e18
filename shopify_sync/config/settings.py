"""What can be set, with its default and its bounds. Secrets show themselves to nobody but `reveal()`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from shopify_sync.errors import ConfigError

API_VERSION = "2026-10"


class Secret:
    """A text that is never shown: `repr`, `str`, `format` and JSON of it are a mask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, _spec: str) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is not pickled")


def _more_than(least: float, default: float) -> Any:
    """A number that has to be greater than `least`; 0 would mean "never" or a division by it."""
    return field(default=default, metadata={"more_than": least})


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """Which shop, and how we are let in: a static token, or client id and secret (client-credentials grant)."""

    domain: str = ""
    api_url: str | None = None
    access_token: Secret | None = None
    client_id: str | None = None
    client_secret: Secret | None = None
    webhook_secret: Secret | None = None
    api_version: str = API_VERSION


@dataclass(frozen=True, slots=True)
class LimiterSettings:
    """Requests a second, the burst above it, and points that are left to other programs of the same app."""

    requests_per_s: float = _more_than(0, 40.0)
    burst: int = _more_than(0, 80)
    reserve_points: int = 50


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    threshold: int = _more_than(0, 5)
    timeout_s: float = _more_than(0, 30.0)


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Attempts after the first, and the waits between them: exponential from `base_s` to `cap_s`, full jitter."""

    retries: int = 3
    base_s: float = 0.5
    cap_s: float = 20.0
    deadline_s: float = 120.0


@dataclass(frozen=True, slots=True)
class HttpSettings:
    timeout_s: float = _more_than(0, 30.0)
    connect_timeout_s: float = _more_than(0, 5.0)


def _one_of(*choices: str, default: str = "") -> Any:
    return field(default=default, metadata={"one_of": choices})


PREFER = ("ask", "newest", "shopify", "local")
# For single fields: a side, `skip` (nobody but you), or `overwrite` (the preferred side's whole value, sets and lists
# not merged element by element; the side may be given).
FIELD_POLICIES = (*PREFER, "skip", "overwrite", *(f"overwrite:{side}" for side in PREFER[1:]))


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """`overlap_s`: how far behind the watermark an incremental pull looks again, since the search index lags.

    `reconcile_every_h`: how often all ids are compared at the least. `max_delete`: the part of all records that one
    run may delete before it stops and asks.
    """

    overlap_s: float = 300.0
    reconcile_every_h: float = 24.0
    max_delete: float = 0.1


@dataclass(frozen=True, slots=True)
class DeleteSettings:
    """What a deletion on one side does to the other; empty: the entity's own default."""

    shopify: str = _one_of("propagate", "archive", "ignore")
    local: str = _one_of("propagate", "archive", "ignore")


@dataclass(frozen=True, slots=True)
class EntitySettings:
    """`strategy` and `prefer` say what happens to a record that both sides changed, `fields` overrides them for
    a field (`title`, `variants.price`)."""

    enabled: bool = True
    strategy: str = _one_of("merge", "overwrite", "skip", default="merge")
    prefer: str = _one_of(*PREFER, default="ask")
    fields: Mapping[str, str] = field(default_factory=dict, metadata={"each_of": FIELD_POLICIES})
    deletes: DeleteSettings = DeleteSettings()


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. `path` is the file it came from, None where there was none; `state_dir` is where
    this machine remembers which databases it has seen, None for nowhere."""

    shop: ShopSettings = ShopSettings()
    database_url: str = ""
    limiter: LimiterSettings = LimiterSettings()
    breaker: BreakerSettings = BreakerSettings()
    retry: RetrySettings = RetrySettings()
    http: HttpSettings = HttpSettings()
    sync: SyncSettings = SyncSettings()
    entities: Mapping[str, EntitySettings] = field(default_factory=dict)
    log_format: str = "text"
    path: Path | None = None
    state_dir: Path | None = None

    def require_shop(self) -> ShopSettings:
        """The shop, for commands that talk to one. Raises ConfigError when it or the credentials are missing."""
        problems = []
        if not self.shop.domain:
            problems.append("no shop: set SHOPIFY_SHOP_DOMAIN or `shop.domain`")
        pair = self.shop.client_id and self.shop.client_secret
        if self.shop.access_token is None and not pair:
            problems.append("no credentials: set SHOPIFY_ACCESS_TOKEN, or SHOPIFY_CLIENT_ID and SHOPIFY_CLIENT_SECRET")
        if problems:
            raise ConfigError(
                "the shop is not set up",
                problems=problems,
                next="run `shopify-sync init` for a commented file, or `shopify-sync demo` to try without a store",
            )
        return self.shop


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line said."""

    config: str | None = None
    shop: str | None = None
    database: str | None = None
    log_format: str | None = None


def shown(settings: Settings) -> dict[str, Any]:
    """The settings for people: secrets masked, a database's password left out."""
    return {
        f.name: _shown(f.name, getattr(settings, f.name))
        for f in fields(settings)
        if f.name not in ("path", "state_dir")
    } | {"path": str(settings.path) if settings.path else None}


def _shown(name: str, value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _shown(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Secret):
        return str(value)
    if name == "database_url":
        return without_password(value)
    return {key: _shown(key, item) for key, item in value.items()} if isinstance(value, Mapping) else value


def without_password(url: str) -> str:
    """A database URL for people: the password is masked, in the address as well as in the query."""
    address, mark, query = url.partition("?")
    address = re.sub(r"//([^:/]*):.*@", r"//\1:***@", address)
    return address + mark + re.sub(r"(?i)(\bpass\w*|\bsslpassword)=[^&]*", r"\1=***", query)
