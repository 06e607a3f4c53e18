"""Handles as Shopify spells them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopify_sync.entities.products import push
from shopify_sync.spec.handles import slug


@pytest.mark.parametrize(
    ("text", "handle"),
    [
        ("Case-Handle", "case-handle"),
        ("  Wool & Silk -- Scarf! ", "wool-silk-scarf"),
        ("Café Søren's Groß", "cafe-sorens-gross"),
        ("東京 タワー", "東京-タワー"),
        ("a_b.c/d", "a-b-c-d"),
        ("!!!", ""),
        ("", ""),
    ],
)
def test_spellings(text: str, handle: str) -> None:
    assert slug(text) == handle
    assert push.key({"handle": text, "title": "Mug"}) == (handle or ("mug" if not text else "product"))


@given(st.text(max_size=30))
def test_what_is_spelled_as_shopify_does_stays_so(text: str) -> None:
    assert slug(slug(text)) == slug(text)
