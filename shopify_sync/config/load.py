"""Joins the sources: flags win over the environment, the environment over the file, the file over the defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from shopify_sync.config.file import ConfigFile, near
from shopify_sync.config.settings import API_VERSION, Flags, Secret, Settings, ShopSettings
from shopify_sync.errors import ConfigError

SANDBOX_DOMAIN = "sandbox.myshopify.com"
# The permanent host of a shop, and nothing behind it (shopify.dev, "API authentication").
_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]*\.myshopify\.com")
_ADDRESS = re.compile(r"https?://(?P<host>[^\s/@:?#\[\]]+|\[[0-9a-f:]+\])(:\d+)?(/[^\s?#]*)?", re.IGNORECASE)
_LOOPBACK = re.compile(r"127\.\d+\.\d+\.\d+|localhost|\[::1\]", re.IGNORECASE)
_VERSION = re.compile(r"\d{4}-(01|04|07|10)|unstable")
_ENVIRONMENT = {
    "SHOPIFY_SHOP_DOMAIN": "domain",
    "SHOPIFY_ACCESS_TOKEN": "access_token",
    "SHOPIFY_WEBHOOK_SECRET": "webhook_secret",
    "SHOPIFY_CLIENT_ID": "client_id",
    "SHOPIFY_CLIENT_SECRET": "client_secret",
    "SHOPIFY_API_VERSION": "api_version",
    "SHOPIFY_API_URL": "api_url",
}
_SECRETS = ("access_token", "client_secret", "webhook_secret")
LOG_FORMATS = ("text", "json")


def default_database(environment: Mapping[str, str] | None = None) -> str:
    """A SQLite file in the user's data folder (XDG)."""
    env = os.environ if environment is None else environment
    base = Path(env.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return f"sqlite:///{base / 'shopify-sync' / 'shopify-sync.db'}"


def state_folder(environment: Mapping[str, str]) -> Path | None:
    """The user's state folder (XDG), where there is a home."""
    base = environment.get("XDG_STATE_HOME") or (
        str(Path(environment["HOME"]) / ".local" / "state") if environment.get("HOME") else ""
    )
    return Path(base) / "shopify-sync" if base else None


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


def load(flags: Flags | None = None, environment: Mapping[str, str] | None = None, *, files: bool = True) -> Settings:
    """The settings for one command; `files=False` looks for no file.

    Raises ConfigError (exit 2) with every problem at once.
    """
    chosen, env = flags or Flags(), os.environ if environment is None else environment
    path = find_file(chosen, env) if files else None
    source = ConfigFile(path, env)
    settings = source.settings()
    problems = source.problems
    if chosen.log_format and chosen.log_format not in LOG_FORMATS:
        problems.append(f"--log-format is {' or '.join(LOG_FORMATS)}")
    shop = _shop(chosen, env, source, settings, problems)
    if problems:
        raise ConfigError(
            "the configuration has mistakes",
            problems=problems,
            next="correct them; `shopify-sync config validate` checks again",
        )
    return replace(
        settings,
        shop=shop,
        database_url=chosen.database
        or env.get("SHOPIFY_SYNC_DATABASE_URL")
        or settings.database_url
        or default_database(env),
        log_format=chosen.log_format or settings.log_format,
        path=path,
        state_dir=state_folder(env),
    )


def _shop(
    chosen: Flags, env: Mapping[str, str], source: ConfigFile, settings: Settings, problems: list[str]
) -> ShopSettings:
    """The shop that is meant, whichever source names it. A shop of the file's list keeps its own credentials."""
    for name, (listed, lines) in source.shops.items():
        problems += _mistakes(listed, {key: f"{source.path}:{line}" for key, line in lines.items()})
        if chosen.shop in (name, listed.domain):
            return listed
    shop, where = settings.shop, {key: f"{source.path}:{line}" for key, line in source.shop_lines.items()}
    for variable, key in _ENVIRONMENT.items():
        if text := env.get(variable):
            value: Any = Secret(text) if key in _SECRETS else text
            shop, where[key] = replace(shop, **{key: value}), variable
    if chosen.shop:
        if "." not in chosen.shop and source.shops:
            problems.append(f"--shop: no shop of that name in {source.path}{near(chosen.shop, list(source.shops))}")
            return shop
        shop, where["domain"] = replace(shop, domain=chosen.shop), "--shop"
    if not shop.domain and shop.api_url and _on_this_machine(shop.api_url):
        shop = replace(shop, domain=SANDBOX_DOMAIN)
    problems += _mistakes(shop, where)
    return shop


def _on_this_machine(url: str) -> bool:
    address = _ADDRESS.fullmatch(url)
    return bool(address and _LOOPBACK.fullmatch(address["host"]))


def _mistakes(shop: ShopSettings, where: Mapping[str, str]) -> list[str]:
    """What is wrong with a shop; `where` says from which line or variable each key came. No value is repeated,
    since it may be a misplaced secret."""
    found = []
    if shop.domain and not _DOMAIN.fullmatch(shop.domain):
        guess = re.sub(r"^https?://|/.*$", "", shop.domain.strip().lower())
        guess = guess if "." in guess else f"{guess}.myshopify.com"
        admin = re.search(r"admin\.shopify\.com/store/([a-z0-9-]+)", shop.domain.lower())
        guess = f"{admin[1]}.myshopify.com" if admin else guess
        plain = _DOMAIN.fullmatch(guess) and "_" not in shop.domain
        hint = f"; did you mean `{guess}`?" if plain else ""
        found.append(f"{where.get('domain', '')}: the shop's domain must be like my-store.myshopify.com{hint}")
    if shop.api_url:
        place = f"{where.get('api_url', '')}: " + (
            "" if where.get("api_url") == "SHOPIFY_API_URL" else "`api_url` (SHOPIFY_API_URL) "
        )
        if not _ADDRESS.fullmatch(shop.api_url):
            found.append(f"{place}must be like http://127.0.0.1:8765, without user or query")
        elif shop.api_url.lower().startswith("http:") and not _on_this_machine(shop.api_url):
            found.append(f"{place}must be https: outside this machine; a token goes there")
    if not _VERSION.fullmatch(shop.api_version):
        found.append(f"{where.get('api_version', '')}: the API version must be like {API_VERSION}")
    if shop.client_secret and not shop.client_id:
        place = where.get("client_secret", "")
        found.append(f"{place}: a client secret needs a client id: set SHOPIFY_CLIENT_ID or `client_id`")
    return found
