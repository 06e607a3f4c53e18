"""Finds the mutations in recorded traffic: request, answer and, where the recording dropped it, a document.

Many recordings keep only variables and answer. The document is then rebuilt from both: arguments by the names of the
variables, selections by the keys of the answer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import graphql

from shopify_sync.sandbox.schema import schema
from tests.shared import CAPTURES

Json = dict[str, Any]
DOMAINS = ("products", "variants", "options", "media", "metafields")


def capture_files() -> list[Path]:
    """The recordings, none in a fresh clone."""
    return [path for domain in DOMAINS for path in sorted((CAPTURES / domain).glob("*.json"))]


class NotKept(Exception):
    """The recording lacks what a request needs."""


@dataclass(frozen=True)
class Step:
    """One recorded exchange: where in the file, its document (None: not kept), variables (None: not kept), answer."""

    where: str
    document: str | None
    variables: Json | None
    answer: Json

    def roots(self) -> list[str]:
        """The names of the mutations that it runs, none for queries."""
        if self.document is None:
            names = list(self.answer.get("data") or {})
            names = names or [str(error["path"][0]) for error in self.answer.get("errors") or [] if error.get("path")]
            return [name for name in names if _is_mutation(name)]
        try:
            parsed = graphql.parse(self.document)
        except graphql.GraphQLSyntaxError:
            return []
        return [
            selection.name.value
            for definition in parsed.definitions
            if isinstance(definition, graphql.OperationDefinitionNode)
            and definition.operation is graphql.OperationType.MUTATION
            for selection in definition.selection_set.selections
            if isinstance(selection, graphql.FieldNode)
        ]

    def request(self) -> tuple[str, Json, list[str]]:
        """(document, variables, fields of the answer that the sandbox's schema lacks). Raises `NotKept`."""
        if self.document is not None:
            return _served(self.document), self.variables or {}, []
        if self.variables is None:
            raise NotKept("neither document nor variables were kept")
        return _rebuilt(self.roots()[0], self.variables, self.answer)


def steps(recording: Json) -> Iterator[Step]:
    """All exchanges of a recording in the order of the file."""
    yield from _walk(recording, ())


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[Step]:
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _walk(inner, (*path, str(place)))
    if not isinstance(value, dict):
        return
    found, answer = _answer(value)
    if answer is not None:
        document, variables = _request(value)
        yield Step(".".join(path), document, variables, answer)
    for key, inner in value.items():
        if key != found and not (found == "" and key == "data"):
            yield from _walk(inner, (*path, key))


def _answer(value: Json) -> tuple[str | None, Json | None]:
    for key in ("response", "result", "payload", ""):
        body = value.get(key) if key else value
        if not isinstance(body, dict):
            continue
        for inner in ("body", "payload"):
            if isinstance(body.get(inner), dict) and key:
                body = body[inner]
        if isinstance(body.get("data"), dict) or isinstance(body.get("errors"), list):
            return key, body
    return None, None


def _request(value: Json) -> tuple[str | None, Json | None]:
    request = value.get("request")
    places: list[Json] = [value, request if isinstance(request, dict) else {}]
    document = variables = None
    for place in places:
        for key in ("query", "document", "request"):
            if document is None and isinstance(place.get(key), str) and "{" in place[key]:
                document = place[key]
        if variables is None and isinstance(place.get("variables"), dict):
            variables = place["variables"]
    return document, variables


_VERBS = (
    "Create", "Update", "Delete", "Set", "Add", "Remove", "Reorder", "Publish", "Unpublish", "Duplicate", "Status",
    "AddProducts", "AddProductsV2", "RemoveProducts", "Media", "Groups", "Sync", "Product", "Upsert", "Pin", "Unpin",
    "Enable", "Failed", "Cancel",
)  # fmt: skip


def _is_mutation(name: str) -> bool:
    """Told by the name: a recording without document does not say whether its root was a mutation."""
    return name.endswith(_VERBS)


class _Drop(graphql.Visitor):
    """Takes away fragments on types that the sandbox does not serve: no object of the answer has such a type."""

    def enter_inline_fragment(self, node: graphql.InlineFragmentNode, *_: Any) -> Any:
        condition = node.type_condition
        if condition is not None and schema().get_type(condition.name.value) is None:
            return graphql.REMOVE
        return None


def _served(document: str) -> str:
    parsed = graphql.parse(document)
    changed = graphql.visit(parsed, _Drop())
    return document if changed is parsed else graphql.print_ast(changed)


def _rebuilt(root: str, variables: Json, answer: Json) -> tuple[str, Json, list[str]]:
    mutation = schema().mutation_type
    assert mutation is not None
    field = mutation.fields[root]
    unknown = [name for name in variables if name not in field.args]
    if unknown:
        raise NotKept(f"the variables {unknown} are no arguments of {root}, the document was not kept")
    head = ", ".join(f"${name}: {field.args[name].type}" for name in variables)
    call = ", ".join(f"{name}: ${name}" for name in variables)
    lacking: list[str] = []
    payload = (answer.get("data") or {}).get(root)
    selection = _selection(graphql.get_named_type(field.type), [payload], lacking)
    return f"mutation({head}) {{ {root}({call}) {selection} }}", variables, lacking


def _selection(kind: Any, samples: list[Any], lacking: list[str]) -> str:
    objects = [sample for sample in samples if isinstance(sample, dict)]
    keys = list(dict.fromkeys(key for sample in objects for key in sample))
    if str(kind).endswith("UserError") or str(kind) == "UserError":
        keys = [key for key in ("field", "message", "code") if key in kind.fields]
    parts: list[str] = []
    for key in keys:
        owner, field = kind, None if key == "__typename" else getattr(kind, "fields", {}).get(key)
        if key == "__typename":
            parts.append(key)
            continue
        if field is None and graphql.is_abstract_type(kind):
            names = {str(sample["id"]).split("/")[3] for sample in objects if key in sample and "id" in sample}
            owner = schema().get_type(names.pop()) if len(names) == 1 else kind
            field = getattr(owner, "fields", {}).get(key)
        if field is None:
            lacking.append(f"{owner}.{key}")
            continue
        inner = [sample[key] for sample in objects if key in sample]
        text = key + _arguments(field, inner)
        named = graphql.get_named_type(field.type)
        if graphql.is_composite_type(named):
            flat = [one for value in inner for one in (value if isinstance(value, list) else [value])]
            text += " " + _selection(named, flat, lacking)
        parts.append(text if owner is kind else f"... on {owner} {{ {text} }}")
    return "{ " + " ".join(parts or ["__typename"]) + " }"


def _arguments(field: Any, samples: list[Any]) -> str:
    if "first" not in field.args:
        return ""
    count = max(
        (len(one.get("nodes") or one.get("edges") or []) for one in samples if isinstance(one, dict)), default=0
    )
    return f"(first: {max(10, count)})"


def read(path: Path) -> Json:
    recording: Json = json.loads(path.read_text(encoding="utf-8"))
    return recording


# Files whose refused inputs were recorded before the change that stands first in them.
_REFUSALS_FIRST = ("product-update-parity",)


def ordered(name: str, recording: Json) -> list[Step]:
    """The steps of a file in the order in which they were recorded."""
    found = list(steps(recording))
    if name.startswith(_REFUSALS_FIRST):
        found.sort(key=lambda step: not step.where.startswith("validation"))
    return found
