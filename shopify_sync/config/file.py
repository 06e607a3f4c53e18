"""The YAML file: every unknown key, wrong type and broken reference becomes a problem with its line."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, get_type_hints

from shopify_sync.config.settings import (
    BreakerSettings,
    EntitySettings,
    HttpSettings,
    LimiterSettings,
    RetrySettings,
    Secret,
    Settings,
    ShopSettings,
    SyncSettings,
)

_SECTIONS: dict[str, type] = {
    "limiter": LimiterSettings,
    "breaker": BreakerSettings,
    "retry": RetrySettings,
    "http": HttpSettings,
    "sync": SyncSettings,
}
_ENTITIES = ("products",)


def near(name: str, known: list[str]) -> str:
    """`; did you mean …?`, or the whole list where nothing comes near."""
    found = difflib.get_close_matches(name, known, 1, 0.6)
    return f"; did you mean `{found[0]}`?" if found else f"; known are: {', '.join(sorted(known))}"


class ConfigFile:
    """Reads one file and collects what is wrong with it in `problems`; no problem repeats a value."""

    def __init__(self, path: Path | None, environment: Mapping[str, str]) -> None:
        self.path, self.env = path, environment
        self.problems: list[str] = []
        self.shops: dict[str, tuple[ShopSettings, dict[str, int]]] = {}
        self.shop_lines: dict[str, int] = {}

    def settings(self) -> Settings:
        settings, root = Settings(), self._parsed()
        if root is None:
            return settings
        for key, node, line in self._pairs(
            root, "", ["shop", "shops", "database_url", "entities", "log_format", *_SECTIONS]
        ):
            if key in _SECTIONS:
                settings = replace(settings, **{key: self._section(_SECTIONS[key], node, key)[0]})
            elif key == "shop":
                shop, self.shop_lines = self._section(ShopSettings, node, key)
                settings = replace(settings, shop=shop)
            elif key == "shops":
                for name, below, _ in self._pairs(node, "shops", None):
                    self.shops[name] = self._section(ShopSettings, below, f"shops.{name}")
            elif key == "entities":
                found = {
                    name: self._section(EntitySettings, below, f"entities.{name}")[0]
                    for name, below, _ in self._pairs(node, "entities", list(_ENTITIES))
                }
                settings = replace(settings, entities=found)
            else:
                settings = self._text(settings, key, node, line)
        return settings

    def _text(self, settings: Settings, key: str, node: Any, line: int) -> Settings:
        value = self._value(node, line, key)
        if value is None:
            return settings
        if key == "log_format" and value not in ("text", "json"):
            self._problem(line, "`log_format` must be text or json")
            return settings
        read = self._reference(value, line, key)
        changed: dict[str, Any] = {key: read} if read else {}
        return replace(settings, **changed)

    def _parsed(self) -> Any:
        if self.path is None:
            return None
        import yaml

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

    def _pairs(self, node: Any, place: str, known: list[str] | None) -> list[tuple[str, Any, int]]:
        """(key, value node, line) of a mapping; unknown and double keys are problems."""
        import yaml

        if isinstance(node, yaml.ScalarNode) and node.tag.endswith(":null"):
            return []
        if not isinstance(node, yaml.MappingNode):
            self._problem(
                node.start_mark.line + 1, f"{f'`{place}`' if place else 'the file'} must be `key: value` lines"
            )
            return []
        found, seen = list[tuple[str, Any, int]](), set[str]()
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(line, f"a key{f' of `{place}`' if place else ''} must be text")
                continue
            key = str(key_node.value)
            full = f"{place}.{key}" if place else key
            if known is not None and key not in known:
                self._problem(line, f"unknown key `{full}`{near(key, known)}")
            elif key in seen:
                self._problem(line, f"`{full}` stands here twice")
            else:
                found.append((key, value, line))
            seen.add(key)
        return found

    def _section(self, kind: Any, node: Any, place: str) -> tuple[Any, dict[str, int]]:
        """A settings object and the line of each key that the file gives."""
        hints, known = get_type_hints(kind), {f.name: f for f in fields(kind)}
        values, lines = dict[str, Any](), dict[str, int]()
        for key, node_below, line in self._pairs(node, place, list(known)):
            if is_dataclass(hints[key]):
                values[key], lines[key] = self._section(hints[key], node_below, f"{place}.{key}")[0], line
                continue
            if "each_of" in known[key].metadata:
                values[key] = self._choices(node_below, f"{place}.{key}", known[key].metadata["each_of"])
                continue
            value = self._value(node_below, line, f"{place}.{key}")
            least = known[key].metadata.get("more_than")
            read = None if value is None else self._typed(hints[key], value, line, f"{place}.{key}", least)
            if read is not None and self._chosen(read, known[key].metadata.get("one_of"), line, f"{place}.{key}"):
                values[key], lines[key] = read, line
        return kind(**values), lines

    def _choices(self, node: Any, place: str, choices: tuple[str, ...]) -> dict[str, str]:
        """A mapping of free names to one of a few words."""
        found = {}
        for name, below, line in self._pairs(node, place, None):
            value = self._value(below, line, f"{place}.{name}")
            if self._chosen(value, choices, line, f"{place}.{name}"):
                found[name] = value
        return found

    def _chosen(self, value: Any, choices: tuple[str, ...] | None, line: int, place: str) -> bool:
        if choices is None or value in choices:
            return True
        self._problem(line, f"`{place}` must be one of: {', '.join(choices)}")
        return False

    def _value(self, node: Any, line: int, place: str) -> Any:
        """The value of a scalar or list as YAML means it; a tag or date that YAML cannot make is a problem."""
        import yaml

        try:
            return yaml.SafeLoader("").construct_object(node, deep=True)
        except (yaml.YAMLError, ValueError, RecursionError):
            self._problem(line, f"`{place}` has a value that YAML can't make; put it in quotes if it is text")
            return None

    def _typed(self, hint: Any, value: Any, line: int, place: str, least: float | None) -> Any:
        if "Secret" in str(hint):
            revealed = self._reference(value, line, place)
            return Secret(revealed) if revealed else None
        if hint is bool:
            wanted, good = "true or false", isinstance(value, bool)
        elif hint in (int, float):
            whole = isinstance(value, int) and not isinstance(value, bool)
            good = whole or (hint is float and isinstance(value, float))
            wanted = "a whole number" if hint is int else "a number"
            if good:
                good, wanted = self._bounded(value, wanted, least)
                if not good:
                    self._problem(line, f"`{place}` must be {wanted}")
                    return None
        else:
            wanted, good = "text", isinstance(value, str)
            if good:
                return self._reference(value, line, place)
            if place.endswith("api_version"):  # 2026-10 without quotes is text in YAML; a date is not
                return str(value)
        if not good:
            # The value itself may be a misplaced secret, so it is not shown.
            self._problem(line, f"`{place}` must be {wanted}, not {type(value).__name__}")
            return None
        return float(value) if hint is float else value

    @staticmethod
    def _bounded(value: float, wanted: str, least: float | None) -> tuple[bool, str]:
        if not math.isfinite(value):
            return False, f"{wanted} that ends"
        if least is not None:
            return value > least, f"{wanted} greater than {least:g}"
        return value >= 0, f"{wanted} that is not negative"

    def _reference(self, value: Any, line: int, place: str) -> str | None:
        """A text, or what `${ENV}`, `file:path` or `keyring:service/user` refer to."""
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

    def _problem(self, line: int, text: str) -> None:
        self.problems.append(f"{self.path}:{line}: {text}")
