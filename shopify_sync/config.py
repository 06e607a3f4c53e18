"""Settings: flags over environment over file over defaults, every mistake told at once with its line.

The file is YAML. Secrets are wrapped where they are read and show themselves to nobody but `reveal()`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from shopify_sync.errors import ConfigError

API_VERSION = "2026-10"
SANDBOX_DOMAIN = "sandbox.myshopify.com"
# The permanent host of a shop, and nothing behind it (shopify.dev, "API authentication").
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_LOOPBACK = re.compile(r"https?://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?/?")
_VERSION = re.compile(r"\d{4}-(01|04|07|10)|unstable")


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

    requests_per_s: float = 40.0
    burst: int = 80
    reserve_points: int = 50


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    threshold: int = 5
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class RetrySettings:
    """Attempts after the first, and the waits between them: exponential from `base_s` to `cap_s`, full jitter."""

    retries: int = 3
    base_s: float = 0.5
    cap_s: float = 20.0
    deadline_s: float = 120.0


@dataclass(frozen=True, slots=True)
class HttpSettings:
    timeout_s: float = 30.0
    connect_timeout_s: float = 5.0


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """`overlap_s`: how far behind the watermark an incremental pull looks again, since the search index lags."""

    overlap_s: float = 300.0


@dataclass(frozen=True, slots=True)
class EntitySettings:
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. `path` is the file it came from, None where there was none."""

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


_ENVIRONMENT = {
    "SHOPIFY_SHOP_DOMAIN": "domain",
    "SHOPIFY_ACCESS_TOKEN": "access_token",
    "SHOPIFY_WEBHOOK_SECRET": "webhook_secret",
    "SHOPIFY_CLIENT_ID": "client_id",
    "SHOPIFY_CLIENT_SECRET": "client_secret",
    "SHOPIFY_API_VERSION": "api_version",
    "SHOPIFY_API_URL": "api_url",
}
_SECTIONS: dict[str, type] = {
    "limiter": LimiterSettings,
    "breaker": BreakerSettings,
    "retry": RetrySettings,
    "http": HttpSettings,
    "sync": SyncSettings,
}
_ENTITIES = ("products",)


def default_database(environment: Mapping[str, str] | None = None) -> str:
    """A SQLite file in the user's data folder (XDG)."""
    env = os.environ if environment is None else environment
    base = Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{base / 'shopify-sync' / 'shopify-sync.db'}"


def find_file(flags: Flags, environment: Mapping[str, str] | None = None) -> Path | None:
    """The file that counts: `--config`, `$SHOPIFY_SYNC_CONFIG`, `./config.yaml`, the user's config folder."""
    env = os.environ if environment is None else environment
    named = flags.config or env.get("SHOPIFY_SYNC_CONFIG")
    if named:
        return Path(named)
    base = Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    for path in (Path("config.yaml"), base / "shopify-sync" / "config.yaml"):
        if path.exists():
            return path
    return None


def load(flags: Flags | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """The settings for one command. Raises ConfigError (exit 2) with every problem at once."""
    chosen, env = flags or Flags(), os.environ if environment is None else environment
    path = find_file(chosen, env)
    reader = _Reader(env, path)
    settings = reader.file(chosen.shop) if path else Settings()
    shop = reader.environment(settings.shop, named=chosen.shop)
    if chosen.shop and not reader.named_found:
        shop = replace(shop, domain=chosen.shop)
    if not shop.domain and shop.api_url and _LOOPBACK.fullmatch(shop.api_url):
        shop = replace(shop, domain=SANDBOX_DOMAIN)
    reader.check(shop)
    if reader.problems:
        raise ConfigError(
            "the configuration has mistakes",
            problems=reader.problems,
            next="correct them; `shopify-sync config validate` checks again",
        )
    database = chosen.database or env.get("SHOPIFY_SYNC_DATABASE_URL") or settings.database_url
    log_format = chosen.log_format or settings.log_format
    return replace(
        settings, shop=shop, database_url=database or default_database(env), log_format=log_format, path=path
    )


class _Reader:
    """Reads all sources and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str], path: Path | None) -> None:
        self.env, self.path = environment, path
        self.problems: list[str] = []
        self.named_found = False

    # the file

    def file(self, wanted: str | None) -> Settings:
        root = self._parsed()
        if root is None:
            return Settings()
        known = ["shop", "shops", "database_url", "entities", "log_format", *_SECTIONS]
        settings = Settings()
        for key, node, line in self._pairs(root, "", known):
            if key in _SECTIONS:
                settings = replace(settings, **{key: self._section(_SECTIONS[key], node, key)})
            elif key == "shop":
                settings = replace(settings, shop=self._section(ShopSettings, node, key))
            elif key == "database_url":
                settings = replace(settings, database_url=self._secret_text(self._scalar(node), line, key) or "")
            elif key == "log_format":
                text = self._scalar(node)
                if text not in ("text", "json"):
                    self._problem(line, f"log_format is text or json, not {text!r}")
                settings = replace(settings, log_format=str(text))
            elif key == "entities":
                found = {
                    name: self._section(EntitySettings, below, f"entities.{name}")
                    for name, below, _ in self._pairs(node, "entities", list(_ENTITIES))
                }
                settings = replace(settings, entities=found)
        for key, node, _ in self._pairs(root, "", known, quiet=True):
            if key == "shops":
                settings = self._named(settings, node, wanted)
        return settings

    def _named(self, settings: Settings, node: Any, wanted: str | None) -> Settings:
        for name, below, _ in self._pairs(node, "shops", None):
            shop = self._section(ShopSettings, below, f"shops.{name}")
            if wanted in (name, shop.domain):
                self.named_found = True
                settings = replace(settings, shop=shop)
        return settings

    def _parsed(self) -> Any:
        import yaml

        if self.path is None:
            return None
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            self.problems.append(f"{self.path}: can't be read: {reason}")
            return None
        try:
            return yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f":{mark.line + 1}" if mark else ""
            self.problems.append(f"{self.path}{where}: not YAML: {getattr(error, 'problem', 'unreadable')}")
            return None

    def _pairs(self, node: Any, place: str, known: list[str] | None, *, quiet: bool = False) -> list[Any]:
        """(key, value node, line) of a mapping; unknown and double keys are problems."""
        import yaml

        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
            return []
        if not isinstance(node, yaml.MappingNode):
            if not quiet:
                self._problem(node.start_mark.line + 1, f"{place or 'the file'} must be a list of `key: value`")
            return []
        found, seen = [], set[str]()
        for key_node, value in node.value:
            key, line = str(key_node.value), key_node.start_mark.line + 1
            full = f"{place}.{key}" if place else key
            if known is not None and key not in known:
                if not quiet:
                    near = difflib.get_close_matches(key, known, 1, 0.5)
                    hint = f"; did you mean `{near[0]}`?" if near else f"; known are: {', '.join(sorted(known))}"
                    self._problem(line, f"unknown key `{full}`{hint}")
                continue
            if key in seen and not quiet:
                self._problem(line, f"`{full}` stands here twice")
            seen.add(key)
            found.append((key, value, line))
        return found

    def _section(self, kind: Any, node: Any, place: str) -> Any:
        hints = get_type_hints(kind)
        values: dict[str, Any] = {}
        for key, value, line in self._pairs(node, place, [f.name for f in fields(kind)]):
            read = self._typed(hints[key], self._scalar(value), line, f"{place}.{key}")
            if read is not None:
                values[key] = read
        return kind(**values)

    def _scalar(self, node: Any) -> Any:
        import yaml

        return yaml.SafeLoader("").construct_object(node, deep=True)

    def _typed(self, hint: Any, value: Any, line: int, place: str) -> Any:
        if value is None:
            return None
        text = str(hint)
        if "Secret" in text:
            revealed = self._secret_text(value, line, place)
            return Secret(revealed) if revealed else None
        if hint is bool:
            wanted, good = "true or false", isinstance(value, bool)
        elif hint in (int, float):
            whole = isinstance(value, int) and not isinstance(value, bool)
            good = whole or (hint is float and isinstance(value, float))
            wanted = "a whole number" if hint is int else "a number"
            if good and value < 0:
                wanted, good = f"{wanted} that is not negative", False
        else:
            wanted, good = "text", isinstance(value, str)
            if good and value.startswith("${"):
                return self._secret_text(value, line, place)
            if not good and place.endswith("api_version"):  # 2026-10 without quotes is text in YAML; a date is not
                return str(value)
        if not good:
            # The value itself may be a misplaced secret, so it is not shown.
            self._problem(line, f"`{place}` must be {wanted}, not {type(value).__name__}")
            return None
        return float(value) if hint is float else value

    def _secret_text(self, value: Any, line: int, place: str) -> str | None:
        """A value, or what `${ENV}`, `file:path` or `keyring:service/user` refer to."""
        if not isinstance(value, str):
            self._problem(line, f"`{place}` must be text")
            return None
        if match := re.fullmatch(r"\$\{(\w+)\}", value):
            found = self.env.get(match[1])
            if not found:
                self._problem(line, f"`{place}` refers to the environment variable {match[1]}, which is not set")
            return found
        if value.startswith("file:"):
            return self._from_file(value.removeprefix("file:"), line, place)
        if value.startswith("keyring:"):
            return self._from_keyring(value.removeprefix("keyring:"), line, place)
        return value

    def _from_file(self, name: str, line: int, place: str) -> str | None:
        path = (self.path.parent if self.path else Path()) / Path(name).expanduser()
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self._problem(line, f"`{place}` refers to the file {path}, which can't be read")
            return None

    def _from_keyring(self, name: str, line: int, place: str) -> str | None:
        service, _, user = name.partition("/")
        try:
            import keyring
        except ImportError:
            self._problem(line, f"`{place}` needs a keyring: pip install 'shopify-sync[keyring]'")
            return None
        try:
            found: str | None = keyring.get_password(service, user)
        except Exception as error:  # any backend may raise its own
            self._problem(line, f"`{place}`: the keyring can't be read ({type(error).__name__})")
            return None
        if found is None:
            self._problem(line, f"`{place}`: the keyring has nothing for {name}")
        return found

    # environment and checks

    def environment(self, shop: ShopSettings, *, named: str | None) -> ShopSettings:
        """What the environment says; a shop chosen by name keeps the file's own values."""
        if named and self.named_found:
            return shop
        for variable, key in _ENVIRONMENT.items():
            text = self.env.get(variable)
            if not text:
                continue
            value: Any = Secret(text) if key in ("access_token", "client_secret", "webhook_secret") else text
            shop = replace(shop, **{key: value})
        return shop

    def check(self, shop: ShopSettings) -> None:
        where = str(self.path) if self.path else "environment"
        if shop.domain and not _DOMAIN.fullmatch(shop.domain):
            near = re.sub(r"^https?://|/.*$", "", shop.domain.strip().lower())
            near = near if "." in near else f"{near}.myshopify.com"
            hint = f"; did you mean `{near}`?" if _DOMAIN.fullmatch(near) else ""
            self.problems.append(f"{where}: the shop's domain must be like my-store.myshopify.com{hint}")
        if shop.api_url and not re.fullmatch(r"https?://[^\s/@]+(/\S*)?", shop.api_url):
            self.problems.append(f"{where}: SHOPIFY_API_URL must be like http://127.0.0.1:8765, without user or query")
        elif shop.api_url and shop.api_url.startswith("http:") and not _LOOPBACK.match(shop.api_url):
            self.problems.append(f"{where}: SHOPIFY_API_URL must be https: outside this machine; a token goes there")
        if not _VERSION.fullmatch(shop.api_version):
            self.problems.append(f"{where}: the API version must be like {API_VERSION}")
        if shop.client_secret and not shop.client_id:
            self.problems.append(f"{where}: a client secret needs a client id: set SHOPIFY_CLIENT_ID")

    def _problem(self, line: int, text: str) -> None:
        self.problems.append(f"{self.path}:{line}: {text}")


def shown(settings: Settings) -> dict[str, Any]:
    """The settings for people: secrets masked, a database's password left out."""
    return {f.name: _shown(f.name, getattr(settings, f.name)) for f in fields(settings) if f.name != "path"} | {
        "path": str(settings.path) if settings.path else None
    }


def _shown(name: str, value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _shown(f.name, getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Secret):
        return str(value)
    if name == "database_url":
        return re.sub(r"//([^:@/]*):[^@/]*@", r"//\1:***@", value)
    return {key: _shown(key, item) for key, item in value.items()} if isinstance(value, Mapping) else value
