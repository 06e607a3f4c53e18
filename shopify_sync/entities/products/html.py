"""Whether two descriptions are the same page, spelled differently.

This is our own tolerance, no rule of Shopify's: what Shopify makes of a description is not recorded (the recordings
only hold plain ones, which come back as they went). So a change is found by exact comparison, and only where both
sides changed a description is this asked, before anybody is bothered with a conflict.

Folded: runs of blanks (away beside block elements, kept in `<pre>`), character references, the case of names, the
quotes and order of attributes, `<br/>` for `<br>`. Everything else counts: a no-break space, a comment, a missing end
tag, the value of an attribute.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TypeAlias

Token: TypeAlias = tuple[str, ...]
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_EXACT = frozenset(("pre", "textarea", "script", "style"))
_BLOCKS = frozenset(
    (
        "address", "article", "aside", "blockquote", "br", "caption", "col", "colgroup", "dd", "details", "dialog",
        "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
        "header", "hr", "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot",
        "th", "thead", "tr", "ul",
    )
)  # fmt: skip


def same_html(one: str, other: str) -> bool:
    return one == other or _tokens(one) == _tokens(other)


def _tokens(text: str) -> list[Token]:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.folded()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Token] = []
        self.exact: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append(("<", tag, *(f"{name}={value or ''}" for name, value in sorted(attrs, key=lambda a: a[0]))))
        if tag in _EXACT:
            self.exact.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)  # HTML knows no self-closing elements, only ones without an end

    def handle_endtag(self, tag: str) -> None:
        self.found.append((">", tag))
        if self.exact and self.exact[-1] == tag:
            self.exact.pop()

    def handle_data(self, data: str) -> None:
        self.found.append(("=", data) if self.exact else ("text", data))

    def handle_comment(self, data: str) -> None:
        self.found.append(("!", data))

    def handle_decl(self, decl: str) -> None:
        self.found.append(("!", decl))

    def folded(self) -> list[Token]:
        told: list[Token] = []
        blank_before = True  # whether a blank would mean nothing here
        for token in self.found:
            if token[0] != "text":
                block = token[0] in "<>" and token[1] in _BLOCKS
                if block and told and told[-1][0] == "text":
                    told[-1] = ("text", told[-1][1].rstrip(" "))
                told.append(token)
                blank_before = block or (blank_before and token[0] in "<>!")
                continue
            text = _BLANKS.sub(" ", token[1])
            text = text.lstrip(" ") if blank_before else text
            if text:
                told.append(("text", text))
                blank_before = text.endswith(" ")
        if told and told[-1][0] == "text":
            told[-1] = ("text", told[-1][1].rstrip(" "))
        return [token for token in told if token != ("text", "")]
