"""What a GraphQL document selects, read by our own few lines: importing graphql-core costs a command 130 ms.

Enough of the grammar for every executable document; whether names exist, and what directives mean, is not looked at.
A test compares with graphql-core. Source: GraphQL specification, appendix B.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# Commas, blanks and comments stand between tokens and mean nothing; then one of: text, sign, name, number, the end.
_TOKEN = re.compile(
    r"(?:[\s,\ufeff]|#[^\n\r]*)*"
    r'(?:(?P<text>"""(?:\\"""|(?!""").)*"""|"(?!"")(?:\\.|[^"\\\n\r])*"|"")'
    r"|(?P<sign>\.\.\.|[!$&()\[\]{}:=|@])|(?P<name>[A-Za-z_][A-Za-z_0-9]*)|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<end>\Z))",
    re.DOTALL,
)
_OPERATIONS = ("query", "mutation", "subscription")


class NotADocument(ValueError):
    """The text is no GraphQL document."""


class Variable(str):
    """The name of a variable that stands where a value is wanted."""

    __slots__ = ()


@dataclass(slots=True)
class Field:
    """A field. `arguments` hold whole numbers and variables; other values are None. `selection` is None for a leaf."""

    name: str
    arguments: dict[str, int | Variable | None]
    selection: list[Selection] | None


@dataclass(slots=True)
class Inline:
    """`... on Type { … }`; `type` is empty where none is given."""

    type: str
    selection: list[Selection]


@dataclass(slots=True)
class Spread:
    """`...Name`."""

    name: str


Selection = Field | Inline | Spread


@dataclass(slots=True)
class Document:
    """The first operation, and the fragments. `kind` is empty where there is no operation; `defaults` are those of
    its variables that are whole numbers."""

    kind: str = ""
    selection: list[Selection] = field(default_factory=list)
    defaults: dict[str, int] = field(default_factory=dict)
    fragments: dict[str, Inline] = field(default_factory=dict)


def read(text: str) -> Document:
    """Raises NotADocument."""
    try:
        return _Reader(text).document()
    except RecursionError:
        raise NotADocument("nested too deeply") from None


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.kind, self.word = "", ""
        self.advance()

    def advance(self) -> str:
        """The present token; the next one becomes the present."""
        before = self.word
        match = _TOKEN.match(self.text, self.at)
        if match is None or match.lastgroup is None:
            raise NotADocument(f"at character {self.at}")
        self.kind, self.word, self.at = match.lastgroup, match[match.lastgroup], match.end()
        return before

    def skip(self, sign: str) -> bool:
        """Whether this sign stood here; it is passed over."""
        if self.kind == "sign" and self.word == sign:
            self.advance()
            return True
        return False

    def expect(self, sign: str) -> None:
        if not self.skip(sign):
            raise NotADocument(f"{sign!r} is missing before character {self.at}")

    def name(self) -> str:
        if self.kind != "name":
            raise NotADocument(f"a name is missing before character {self.at}")
        return self.advance()

    def document(self) -> Document:
        found = Document()
        while True:
            kind, defaults = "query", {}
            if self.kind == "name":
                kind = self.advance()
                if kind == "fragment":
                    name, on, type_ = self.name(), self.name(), self.name()
                    if name == "on" or on != "on":
                        raise NotADocument(f"fragment {name!r} is on nothing")
                    self.directives()
                    found.fragments[name] = Inline(type_, self.selection())
                    if self.kind == "end":
                        return found
                    continue
                if kind not in _OPERATIONS:
                    raise NotADocument(f"{kind!r} begins nothing")
                if self.kind == "name":
                    self.advance()
                defaults = self.variables()
                self.directives()
            selection = self.selection()
            if not found.kind:
                found.kind, found.selection, found.defaults = kind, selection, defaults
            if self.kind == "end":
                return found

    def variables(self) -> dict[str, int]:
        defaults: dict[str, int] = {}
        if not self.skip("("):
            return defaults
        while True:
            self.expect("$")
            name = self.name()
            self.expect(":")
            self.type()
            if self.skip("="):
                value = self.value()
                if isinstance(value, int):
                    defaults[name] = value
            self.directives()
            if self.skip(")"):
                return defaults

    def type(self) -> None:
        if self.skip("["):
            self.type()
            self.expect("]")
        else:
            self.name()
        self.skip("!")

    def directives(self) -> None:
        while self.skip("@"):
            self.name()
            self.arguments()

    def arguments(self) -> dict[str, int | Variable | None]:
        found: dict[str, int | Variable | None] = {}
        if not self.skip("("):
            return found
        while True:
            name = self.name()
            self.expect(":")
            found[name] = self.value()
            if self.skip(")"):
                return found

    def value(self) -> int | Variable | None:
        if self.skip("$"):
            return Variable(self.name())
        if self.skip("["):
            while not self.skip("]"):
                self.value()
            return None
        if self.skip("{"):
            while not self.skip("}"):
                self.name()
                self.expect(":")
                self.value()
            return None
        if self.kind not in ("text", "name", "number"):
            raise NotADocument(f"a value is missing before character {self.at}")
        kind, token = self.kind, self.advance()
        return int(token) if kind == "number" and token.lstrip("-").isdigit() else None

    def selection(self) -> list[Selection]:
        self.expect("{")
        found: list[Selection] = []
        while not self.skip("}"):
            found.append(self.selected())
        return found

    def selected(self) -> Selection:
        if not self.skip("..."):
            name = self.name()
            if self.skip(":"):  # what stood there was an alias
                name = self.name()
            arguments = self.arguments()
            self.directives()
            return Field(name, arguments, self.selection() if self.word == "{" and self.kind == "sign" else None)
        if self.kind == "name" and self.word != "on":
            spread = Spread(self.advance())
            self.directives()
            return spread
        type_ = ""
        if self.kind == "name":
            self.advance()
            type_ = self.name()
        self.directives()
        return Inline(type_, self.selection())
