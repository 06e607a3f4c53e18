"""Values for people: what a conflict's sides hold, side by side, and word by word where a text is long.

Everything is clear without colour: `[-gone-]` and `{+new+}` say what colour repeats.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shopify_sync.cli._output import console

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

SIDES = (("base", "base"), ("here", "local"), ("shopify", "remote"))
_WIDTH = 80
_LONG = 60
_CLIP = 480
_KEPT_TOKENS = 12  # of an unchanged stretch, before and behind a change
# Comparing costs about the product of both lengths: beyond this a text is shown as replaced between its equal ends.
_MOST_PAIRS = 4_000_000
_TOKEN = re.compile(r"<[^<>]*>|\w+|\s+|[^\w\s]")
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]*>")
# What a terminal would obey instead of show; values come from anywhere.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def screen() -> Console:
    """A console of 80 columns, or of the terminal's width."""
    made = console()
    if not made.is_terminal:
        made.width = _WIDTH
    return made


def is_long(value: Any) -> bool:
    """Whether a text is better read as its differences than as a whole."""
    return isinstance(value, str) and (len(value) > _LONG or "\n" in value or _MARKUP.search(value) is not None)


def safe(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def readable(value: Any, absent: str = "(null)") -> str:
    """A value on as many lines as it takes: lists by element, documents by key."""
    if value is None:
        return absent
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "\n".join(f"• {_short(item)}" for item in value) or "(none)"
    if isinstance(value, dict):
        return "\n".join(f"{key}: {_short(item)}" for key, item in value.items() if key != "local_id") or "(none)"
    return safe(str(value)) if value != "" else "(empty)"


def brief(value: Any, most: int, absent: str = "–") -> str:
    """A value on one line of at most so many characters."""
    text = absent if value is None else " ".join(safe(_short(value)).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def side_by_side(out: Console, sides: dict[str, Any], *, absent: dict[str, str]) -> None:
    """Base, here, Shopify in three columns; what does not fit is wrapped, and what is very long is cut."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    for heading, _ in SIDES:
        table.add_column(heading, ratio=1, overflow="fold")
    table.add_row(*(Text(_cut(readable(sides[side], absent.get(side, "(null)")))) for _, side in SIDES))
    out.print(table)


def word_diff(before: str, after: str) -> Text:
    """What changed from one text to another, with long unchanged stretches left out."""
    from rich.text import Text

    shown = Text()
    changes = _changes(_TOKEN.findall(safe(before)), _TOKEN.findall(safe(after)))
    for at, (old, new) in enumerate(changes):
        if old == new:
            shown.append(_elided(old, first=at == 0, last=at == len(changes) - 1))
            continue
        if old:
            shown.append(f"[-{_visible(old)}-]", style="red")
        if new:
            shown.append(f"{{+{_visible(new)}+}}", style="green")
    return shown


def _short(value: Any) -> str:
    """A value inside another one."""
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_short(item)}" for key, item in value.items() if item not in (None, "", [], {}))
    if isinstance(value, list):
        if any(isinstance(item, dict | list) for item in value):
            return f"{len(value)} elements"
        return ", ".join(map(str, value)) or "(none)"
    return readable(value)


def _cut(text: str) -> str:
    if len(text) <= _CLIP:
        return text
    return f"{text[:_CLIP]}… ({len(text):,} characters; --json has all)"


def _changes(before: list[str], after: list[str]) -> list[tuple[list[str], list[str]]]:
    """Stretches of both texts in order, equal ones and changed ones in turn."""
    from difflib import SequenceMatcher

    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-1 - end] == after[-1 - end]:
        end += 1
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    found = [(before[:start], before[:start])]
    if len(old) * len(new) > _MOST_PAIRS:
        found.append((old, new))
    else:
        for _, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            found.append((old[a:b], new[c:d]))
    found.append((before[len(before) - end :], before[len(before) - end :]))
    return _joined([pair for pair in found if pair[0] or pair[1]])


def _joined(changes: list[tuple[list[str], list[str]]]) -> list[tuple[list[str], list[str]]]:
    """Changed words that only a space parts are one change: easier to read than word, space, word."""
    joined: list[tuple[list[str], list[str]]] = []
    for at, (old, new) in enumerate(changes):
        equal = old == new
        inside = 0 < at < len(changes) - 1 and "".join(old).isspace()
        goes_on = bool(joined) and joined[-1][0] != joined[-1][1]
        if goes_on and (not equal or (inside and len(old) == 1 and "\n" not in old[0])):
            joined[-1] = (joined[-1][0] + old, joined[-1][1] + new)
        else:
            joined.append((list(old), list(new)))
    return joined


def _visible(tokens: list[str]) -> str:
    text = "".join(tokens)
    return text.replace("\n", "\\n").replace("\t", "\\t") if text.isspace() else text


def _elided(tokens: list[str], *, first: bool, last: bool) -> str:
    head, tail = (0 if first else _KEPT_TOKENS), (0 if last else _KEPT_TOKENS)
    if len(tokens) <= head + tail + _KEPT_TOKENS:
        return "".join(tokens)
    return "".join(tokens[:head]) + " … " + "".join(tokens[len(tokens) - tail :] if tail else [])
