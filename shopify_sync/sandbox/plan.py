"""A valid operation as a tree of fields: selections merged, fragments spread per concrete type.

The projector (execute.py) and the price (cost.py) both walk this tree. It is made once for a document, an
operation and the values of the variables in `@include` and `@skip`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import graphql
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    SelectionSetNode,
)

from shopify_sync.sandbox.schema import arguments, schema

Variables = dict[str, Any]


@dataclass(eq=False, slots=True)
class Field:
    """One response key of one concrete type, with all that was selected below it."""

    key: str
    name: str
    parent: str  # concrete type that has the field
    type: Any  # GraphQL type with its wrappers
    inner: str  # its name without them
    node: FieldNode
    definition: Any
    takes_arguments: bool
    sub: dict[str, tuple[Field, ...]] = field(default_factory=dict)  # by concrete type; empty for leaves
    fixed: dict[str, Any] | None = None  # the arguments, when no variable is among them

    @property
    def nullable(self) -> bool:
        return not graphql.is_non_null_type(self.type)

    @property
    def is_list(self) -> bool:
        return graphql.is_list_type(graphql.get_nullable_type(self.type))

    @property
    def is_connection(self) -> bool:
        return self.inner.endswith("Connection")

    def arguments(self, variables: Variables) -> dict[str, Any]:
        """The coerced arguments of this field in this request."""
        if self.fixed is not None:
            return self.fixed
        return arguments(self.definition, self.node.arguments, variables)

    def idempotency_key(self, variables: Variables) -> str | None:
        """The key that the directive `@idempotent` gives the field."""
        for directive in self.node.directives or ():
            if directive.name.value == "idempotent":
                known: Any = schema().get_directive("idempotent")
                return str(arguments(known, directive.arguments, variables)["key"])
        return None


@dataclass(slots=True)
class Plan:
    """The root fields of an operation, in order."""

    kind: str  # query or mutation
    name: str | None
    fields: tuple[Field, ...]
    introspects: bool  # asks for __schema or __type
    compiled: Any = None  # execute.py keeps its functions here


def make_plan(
    operation: OperationDefinitionNode, fragments: dict[str, FragmentDefinitionNode], variables: Variables
) -> Plan:
    """The plan of a valid operation for these (coerced) variables."""
    kind = operation.operation.value
    root = schema().query_type if kind == "query" else schema().mutation_type
    assert root is not None
    maker = _Maker(fragments, variables)
    fields = maker.fields(root, [operation.selection_set])
    return Plan(kind, operation.name.value if operation.name else None, fields, maker.introspects)


def conditional_variables(document: graphql.DocumentNode) -> frozenset[str]:
    """The names of the variables that `@include` and `@skip` depend on anywhere in the document."""
    names: set[str] = set()

    class Collect(graphql.Visitor):
        def enter_directive(self, node: graphql.DirectiveNode, *_: Any) -> None:
            if node.name.value in ("include", "skip"):
                for argument in node.arguments or ():
                    if isinstance(argument.value, graphql.VariableNode):
                        names.add(argument.value.name.value)

    graphql.visit(document, Collect())
    return frozenset(names)


def _has_variable(node: FieldNode) -> bool:
    return any("$" in graphql.print_ast(argument.value) for argument in node.arguments or ())


class _Maker:
    def __init__(self, fragments: dict[str, FragmentDefinitionNode], variables: Variables) -> None:
        self.fragments = fragments
        self.variables = variables
        self.introspects = False

    def fields(self, kind: GraphQLObjectType, selections: list[SelectionSetNode]) -> tuple[Field, ...]:
        """What the selections ask of an object of the concrete type `kind`, merged by response key."""
        collected: dict[str, list[FieldNode]] = {}
        for selection_set in selections:
            self._collect(kind, selection_set, collected, set())
        return tuple(made for key, nodes in collected.items() if (made := self._field(kind, key, nodes)) is not None)

    def _collect(
        self, kind: GraphQLObjectType, chosen: SelectionSetNode, into: dict[str, list[FieldNode]], seen: set[str]
    ) -> None:
        for selection in chosen.selections:
            if not self._wanted(selection):
                continue
            if isinstance(selection, FieldNode):
                key = selection.alias.value if selection.alias else selection.name.value
                into.setdefault(key, []).append(selection)
                continue
            part: Any = selection
            if isinstance(selection, FragmentSpreadNode):
                if selection.name.value in seen:
                    continue
                seen.add(selection.name.value)
                part = self.fragments[selection.name.value]
            on = part.type_condition
            if on is None or self._applies(on.name.value, kind):
                self._collect(kind, part.selection_set, into, seen)

    def _applies(self, condition: str, kind: GraphQLObjectType) -> bool:
        if condition == kind.name:
            return True
        abstract: Any = schema().get_type(condition)
        return graphql.is_abstract_type(abstract) and schema().is_sub_type(abstract, kind)

    def _wanted(self, selection: Any) -> bool:
        for directive in selection.directives or ():
            name = directive.name.value
            if name in ("include", "skip"):
                known: Any = schema().get_directive(name)
                condition = arguments(known, directive.arguments, self.variables)["if"]
                if condition is (name == "skip"):
                    return False
        return True

    def _field(self, kind: GraphQLObjectType, key: str, nodes: list[FieldNode]) -> Field | None:
        node = nodes[0]
        name = node.name.value
        if name in ("__schema", "__type"):
            self.introspects = True
            return None
        if name == "__typename":
            text = graphql.GraphQLNonNull(graphql.GraphQLString)
            return Field(key, name, kind.name, text, "String", node, None, False, fixed={})
        definition = kind.fields[name]
        inner: Any = graphql.get_named_type(definition.type)
        made = Field(key, name, kind.name, definition.type, inner.name, node, definition, bool(definition.args))
        if not _has_variable(node):
            made.fixed = arguments(definition, node.arguments, {})
        if graphql.is_composite_type(inner):
            below = [n.selection_set for n in nodes if n.selection_set is not None]
            concrete: Any = schema().get_possible_types(inner) if graphql.is_abstract_type(inner) else [inner]
            made.sub = {each.name: self.fields(each, below) for each in concrete}
        return made
