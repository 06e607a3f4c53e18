"""Handles in Shopify's spelling: what a record is called in addresses, and found again by."""

from __future__ import annotations

import unicodedata

_LATIN = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l"}


def slug(text: str) -> str:
    """The handle that Shopify makes of a text; empty where no letter and no digit is left.

    Trimmed, lower-cased, everything but letters and digits (of any script) becomes a hyphen (recorded:
    product-handle-validation-parity). Latin letters lose their accents and apostrophes vanish, as storefront
    addresses show; what is left is spelled the same by every rule that Shopify may have, so the handle that we look
    up is the one that it stored.
    """
    out: list[str] = []
    for letter in unicodedata.normalize("NFC", text).lower():
        plain = _LATIN.get(letter) or _ascii(letter)
        if plain:
            out.append(plain)
        elif letter.isalnum() or unicodedata.category(letter).startswith("M"):
            out.append(letter)
        elif letter not in "'\"’" and out and out[-1] != "-":
            out.append("-")
    return "".join(out).strip("-")


def _ascii(letter: str) -> str:
    parts = [part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part)]
    return "".join(parts).lower() if all(part.isascii() and part.isalnum() for part in parts) else ""
