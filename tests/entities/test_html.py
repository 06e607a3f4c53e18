"""Our tolerance for descriptions: other spellings of the same page are alike, other pages are not."""

from __future__ import annotations

import pytest

from shopify_sync.entities.products.html import same_html


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a</p><p>b</p>", "<p>a</p>\n  <p>b</p>\n"),
        ("<p>a  b</p>", "<p>a\nb</p>"),
        ("<p> a </p>", "<p>a</p>"),
        ("<p>a &amp; &eacute;</p>", "<p>a &#38; é</p>"),
        ("<p class=\"x\" id='y'>a</p>", "<P ID=y CLASS='x'>a</P>"),
        ("a<br>b", "a<br/>b"),
        ("<ul><li>a</li></ul>", "<ul>\n  <li> a\n</ul>".replace("a\n", "a</li>\n")),
        ("<p>a <b>b</b> c</p>", "<p>a\n<b>b</b>\nc</p>"),
        ("", "  "),
    ],
)
def test_spellings_of_one_page(one: str, other: str) -> None:
    assert same_html(one, other)
    assert same_html(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("<p>a</p>", "<p>b</p>"),
        ("a b", "ab"),
        ("<p>a <b>b</b></p>", "<p>a<b>b</b></p>"),
        ("a&nbsp;b", "a b"),
        ("<pre>a  b</pre>", "<pre>a b</pre>"),
        ("<p>a</p>", "<div>a</div>"),
        ("<p class='x'>a</p>", "<p class='X'>a</p>"),
        ("<p>a</p>", "<p>a"),
        ("a<!-- x -->", "a"),
        ("a &lt;b&gt;", "a <b>"),
    ],
)
def test_other_pages(one: str, other: str) -> None:
    assert not same_html(one, other)
