"""Shopify's search syntax: from text to a predicate over records.

    terms side by side mean AND; OR, NOT and `-` work; parentheses group; `field:value` with the comparators
    `:` `:<` `:>` `:<=` `:>=`; quotes hold phrases; `\\` escapes; `field:*` means present, `value*` a prefix;
    `status:active,draft` lists alternatives; a bare word searches the text.

Source: Shopify docs, API search syntax. A filter that does not exist matches everything and is reported as
warning `invalid_field`, a value that does not fit as `invalid_value` (recorded answers).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shopify_sync.sandbox.state import Record

Predicate = Callable[[Record], bool]
COMPARATORS = ("<=", ">=", "<", ">")


@dataclass(frozen=True, slots=True)
class Term:
    """`field:comparator value`; `field` is None for bare words."""

    field: str | None
    comparator: str  # "=", "<", ">", "<=", ">="
    value: str
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """AND, OR or NOT over terms and groups."""

    operator: str
    parts: tuple[Term | Group, ...]


class BadValue(ValueError):
    """A filter exists but does not take this value: a warning, and the filter matches nothing."""


Filter = Callable[[Term], Predicate]


@dataclass(slots=True)
class Search:
    """A compiled query: terms that bound the sort order or name a record are kept apart for the index."""

    terms: list[Term] = field(default_factory=list)  # the conjuncts, when the query is a plain conjunction
    predicate: Predicate | None = None
    warnings: list[dict[str, str]] = field(default_factory=list)
    parsed: Any = None

    def extension(self, path: tuple[str | int, ...], query: str) -> dict[str, Any]:
        """The entry of `extensions.search`."""
        entry = {"path": list(path), "query": query, "parsed": self.parsed}
        return {**entry, "warnings": self.warnings} if self.warnings else entry


def parse(text: str) -> Term | Group | None:
    """The tree of a query; None when it is empty. Never fails: what is not syntax is text, as with Shopify."""
    return _Parser(_tokens(text)).whole()


def compile_search(text: str, filters: Mapping[str, Filter], default: Filter) -> Search:
    """A query over records whose filters are `filters`; `default` takes bare words."""
    tree = parse(text)
    search = Search()
    if tree is None:
        return search
    search.parsed = _shown(tree)
    search.predicate = _compiled(tree, filters, default, search.warnings)
    if isinstance(tree, Term):
        search.terms = [tree]
    elif tree.operator == "AND":
        search.terms = [part for part in tree.parts if isinstance(part, Term)]
    return search


def _compiled(
    tree: Term | Group, filters: Mapping[str, Filter], default: Filter, warnings: list[dict[str, str]]
) -> Predicate:
    if isinstance(tree, Group):
        parts = [_compiled(part, filters, default, warnings) for part in tree.parts]
        if tree.operator == "NOT":
            inner = parts[0]
            return lambda record: not inner(record)
        if tree.operator == "OR":
            return lambda record: any(part(record) for part in parts)
        return lambda record: all(part(record) for part in parts)
    if tree.field is None:
        return default(tree)
    make = filters.get(tree.field)
    if make is None:
        _warn(warnings, tree.field, "Invalid search field for this query.", "invalid_field")
        return lambda record: True
    try:
        return make(tree)
    except BadValue:
        _warn(warnings, tree.field, f"Input `{tree.value}` is not an accepted value.", "invalid_value")
        return lambda record: False


def _warn(warnings: list[dict[str, str]], name: str, message: str, code: str) -> None:
    warnings.append({"field": name, "message": message, "code": code})


def _shown(tree: Term | Group) -> Any:
    """The parsed form as Shopify shows it in `extensions.search`."""
    if isinstance(tree, Group):
        return {tree.operator.lower(): [_shown(part) for part in tree.parts]}
    if tree.field is None:
        return {"field": "default", "match_all": tree.value}
    names = {"=": "match_all", "<": "range", ">": "range", "<=": "range", ">=": "range"}
    kind = names[tree.comparator]
    if kind == "match_all":
        return {"field": tree.field, kind: tree.value}
    bound = {"<": "lt", ">": "gt", "<=": "lte", ">=": "gte"}[tree.comparator]
    return {"field": tree.field, kind: {bound: tree.value}}


# -- reading the text


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # ( ) - word
    text: str = ""
    term: Term | None = None


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        char = text[at]
        if char.isspace():
            at += 1
        elif char in "()":
            found.append(_Token(char))
            at += 1
        elif char == "-" and at + 1 < len(text) and not text[at + 1].isspace():
            found.append(_Token("-"))
            at += 1
        else:
            term, at = _term(text, at)
            found.append(_Token("word", term.value if term.field is None and not term.quoted else "", term))
    return found


def _term(text: str, at: int) -> tuple[Term, int]:
    value, at, quoted, colon = _piece(text, at, stop_at_colon=True)
    if not colon:
        return Term(None, "=", value, quoted), at
    name = value.lower()
    comparator = "="
    for each in COMPARATORS:
        if text.startswith(each, at):
            comparator = each
            at += len(each)
            break
    while at < len(text) and text[at] == " ":
        at += 1
    value, at, quoted, _ = _piece(text, at, stop_at_colon=False)
    return Term(name, comparator, value, quoted), at


def _piece(text: str, at: int, *, stop_at_colon: bool) -> tuple[str, int, bool, bool]:
    """(text, next position, was quoted, ended at a colon)."""
    if at < len(text) and text[at] in "'\"":
        quote, at, out = text[at], at + 1, ""
        while at < len(text) and text[at] != quote:
            if text[at] == "\\" and at + 1 < len(text):
                at += 1
            out += text[at]
            at += 1
        return out, at + 1, True, False
    out = ""
    while at < len(text) and not text[at].isspace() and text[at] not in "()":
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
        elif text[at] == ":" and stop_at_colon and out:
            return out, at + 1, False, True
        out += text[at]
        at += 1
    return out, at, False, False


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0

    def whole(self) -> Term | Group | None:
        parts: list[Term | Group] = []
        while self.at < len(self.tokens):
            part = self._or()
            if part is not None:
                parts.append(part)
            elif self.at < len(self.tokens):
                self.at += 1  # an unbalanced parenthesis is skipped
        return _group("AND", parts)

    def _or(self) -> Term | Group | None:
        parts = [part for part in [self._and()] if part is not None]
        while self._word("OR"):
            self.at += 1
            part = self._and()
            if part is not None:
                parts.append(part)
        return _group("OR", parts)

    def _and(self) -> Term | Group | None:
        parts: list[Term | Group] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != ")" and not self._word("OR"):
            if self._word("AND"):
                self.at += 1
                continue
            part = self._unary()
            if part is not None:
                parts.append(part)
        return _group("AND", parts)

    def _unary(self) -> Term | Group | None:
        token = self.tokens[self.at]
        if token.kind == "-" or self._word("NOT"):
            self.at += 1
            if self.at >= len(self.tokens) or self.tokens[self.at].kind == ")":
                return None
            inner = self._unary()
            return None if inner is None else Group("NOT", (inner,))
        self.at += 1
        if token.kind == "(":
            inner = self._or()
            if self.at < len(self.tokens) and self.tokens[self.at].kind == ")":
                self.at += 1
            return inner
        return token.term

    def _word(self, word: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].text == word


def _group(operator: str, parts: list[Term | Group]) -> Term | Group | None:
    if not parts:
        return None
    if len(parts) == 1:
        return parts[0]
    flat: list[Term | Group] = []
    for part in parts:  # AND inside AND is one AND, so that its terms are seen as conjuncts
        flat.extend(part.parts if isinstance(part, Group) and part.operator == operator else [part])
    return Group(operator, tuple(flat))
