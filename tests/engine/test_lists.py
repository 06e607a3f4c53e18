"""Lists and sets: what stays, and in which order."""

from __future__ import annotations

import pytest

from shopify_sync.engine.lists import sequence, union


@pytest.mark.parametrize(
    ("base", "local", "remote", "wanted"),
    [
        ("abc", "abc", "abc", "abc"),
        ("abc", "cab", "abc", "cab"),
        ("abc", "abc", "cab", "cab"),
        ("abc", "cab", "cab", "cab"),
        ("abc", "cab", "bca", None),
        ("abc", "cba", "ac", "ca"),
        ("abc", "bca", "cb", "cb"),  # only an element that went was moved here
        ("abc", "abxc", "abc", "abxc"),
        ("abc", "abxc", "aybc", "aybxc"),
        ("abc", "ab", "bc", "b"),
        ("abc", "cab", "abcx", "cxab"),
        ("", "ab", "cd", "abcd"),
        ("", "ab", "ba", "ba"),  # what both newly have stands as on Shopify
        ("a", "", "ab", "b"),
    ],
)
def test_a_sequence(base: str, local: str, remote: str, wanted: str | None) -> None:
    found = sequence(list(base), list(local), list(remote))
    assert (None if found is None else "".join(found)) == wanted


@pytest.mark.parametrize(
    ("base", "local", "remote", "wanted"),
    [("ab", "a", "abc", "ac"), ("ab", "ba", "ab", "ab"), ("", "a", "a", "a"), ("a", "A", "a", "a"), ("a", "", "A", "")],
)
def test_a_union(base: str, local: str, remote: str, wanted: str) -> None:
    assert "".join(union(list(base), list(local), list(remote), str.lower)) == wanted


def test_a_union_of_nothing() -> None:
    assert union(None, None, None) == []
