"""Handles: how a title or a wish becomes the last part of a URL, and stays unique.

Recorded: product-handle-dedup-parity, product-handle-validation-parity, product-create-parity. The recordings keep
letters of other scripts (`東京`); that Latin letters lose their accents and apostrophes vanish is what storefront
URLs show, no recording covers it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

_TRAILING_NUMBER = re.compile(r"(.*?)(\d+)", re.DOTALL)
_APOSTROPHES = "'\""
_SPELLED_OUT = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l"}


def slug(text: str) -> str:
    """`text` in lower case, its other characters as single hyphens; empty when no letter or digit is left."""
    out: list[str] = []
    for letter in text.strip().lower():
        if letter in _APOSTROPHES:
            continue
        if letter in _SPELLED_OUT:
            out.append(_SPELLED_OUT[letter])
            continue
        plain = _without_accent(letter)
        if plain:
            out.append(plain)
        elif letter.isalnum() or unicodedata.category(letter).startswith("M"):
            out.append(letter)
        elif out and out[-1] != "-":
            out.append("-")
    return "".join(out).strip("-")


def _without_accent(letter: str) -> str:
    """The ASCII letters that a Latin letter is made of, nothing for all other characters."""
    if not letter.isalpha():
        return letter if letter.isascii() and letter.isalnum() else ""
    parts = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    return "".join(parts).lower() if all(part.isascii() and part.isalnum() for part in parts) else ""


def bumped(handle: str) -> str:
    """The next name to try: a trailing number grows by one, any other handle gets `-1`."""
    match = _TRAILING_NUMBER.fullmatch(handle)
    if match is None:
        return f"{handle}-1"
    digits = match[2]
    return f"{match[1]}{int(digits) + 1:0{len(digits)}d}"


def generated(text: str, taken: Container[str], fallback: str = "product") -> str:
    """A free handle made from `text`; only punctuation gives the `fallback` word."""
    handle = slug(text) or fallback
    while handle in taken:
        handle = bumped(handle)
    return handle


def wanted(raw: str) -> str | None:
    """The handle that was asked for, normalised; None when `raw` is only punctuation and one is to be made."""
    return slug(raw) or None


def in_use(raw: str) -> str:
    """The refusal of a handle that another product has; it repeats the text as it was sent."""
    return f"Handle '{raw}' already in use. Please provide a new handle."
