"""Static validation of documents, answered in Shopify's words.

The rules that a client meets are written here after recorded answers (message, location, path, extensions); what
they let pass goes through graphql-core's own rules, so that nothing invalid is executed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import graphql
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLInputObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    VariableNode,
)

from shopify_sync.sandbox.schema import Coercion, scalar, schema

Error = dict[str, Any]
Path = tuple[str | int, ...]
_ROOTS = {"query": "query_type", "mutation": "mutation_type"}


def parse(text: str) -> tuple[DocumentNode | None, list[Error]]:
    """The document, or None and a PARSE_ERROR."""
    try:
        return graphql.parse(text), []
    except graphql.GraphQLSyntaxError as error:
        place = error.locations[0] if error.locations else None
        where = f" at [{place.line}, {place.column}]" if place else ""
        message = error.message.removeprefix("Syntax Error: ").rstrip(".") + where
        entry: Error = {"message": message, "extensions": {"code": "PARSE_ERROR"}}
        if place:
            entry["locations"] = [{"line": place.line, "column": place.column}]
        return None, [entry]


def validate(document: DocumentNode) -> list[Error]:
    """The `errors` of a document that Shopify would refuse before running it; empty when it is valid."""
    checker = _Checker(document)
    checker.run()
    if checker.errors:
        return checker.errors
    return [
        {
            "message": error.message,
            "locations": [{"line": place.line, "column": place.column} for place in error.locations or ()],
            "extensions": {"code": "invalidDocument"},
        }
        for error in graphql.validate(schema(), document)
    ]


class _Place(NamedTuple):
    """Where a literal stands: the node whose position Shopify reports, and the argument's owner and name."""

    at: Any
    owner: str  # Field, Directive or InputObject
    name: str
    key: str


class _Checker:
    def __init__(self, document: DocumentNode) -> None:
        self.document = document
        self.errors: list[Error] = []
        self.fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        self._used: set[str] = set()  # variables of the operation at hand
        self._spread: set[str] = set()

    def add(self, node: Any, path: Path, message: str, code: str, **extensions: Any) -> None:
        place = graphql.get_location(node.loc.source, node.loc.start)
        self.errors.append(
            {
                "message": message,
                "locations": [{"line": place.line, "column": place.column}],
                "path": list(path),
                "extensions": {"code": code, **extensions},
            }
        )

    def run(self) -> None:
        for definition in self.document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                self._operation(definition)
            elif isinstance(definition, FragmentDefinitionNode):
                name = definition.name.value
                path = (f"fragment {name}",)
                on = definition.type_condition
                kind = self._condition(on, path)
                if kind is not None:
                    self._selections(definition.selection_set, kind, path)
        for name, fragment in self.fragments.items():
            if name not in self._spread:
                message = f"Fragment {name} was defined, but not used"
                self.add(fragment, (f"fragment {name}",), message, "useAndDefineFragment", fragmentName=name)

    def _operation(self, operation: OperationDefinitionNode) -> None:
        kind_of = operation.operation.value
        name = operation.name.value if operation.name else None
        path: Path = (f"{kind_of} {name}" if name else kind_of,)
        root = getattr(schema(), _ROOTS.get(kind_of, ""), None)
        if root is None:
            self.add(operation, path, f"Schema is not configured for {kind_of}s", "missingSubscriptionConfiguration")
            return
        self._used = set()
        self._selections(operation.selection_set, root, path)
        for fragment in self._reachable(operation):
            self._collect_variables(fragment)
        declared = {d.variable.name.value: d for d in operation.variable_definitions or ()}
        shown = name or "anonymous " + kind_of
        for variable, definition in declared.items():
            if variable not in self._used:
                message = f"Variable ${variable} is declared by {shown} but not used"
                self.add(operation, path, message, "variableNotUsed", variableName=variable)
            self._variable_type(definition, path)
        for variable in sorted(self._used - declared.keys()):
            message = f"Variable ${variable} is used by {shown} but not declared"
            self.add(operation, path, message, "variableNotDefined", variableName=variable)

    def _variable_type(self, definition: Any, path: Path) -> None:
        kind = definition.type
        while not isinstance(kind, graphql.NamedTypeNode):
            kind = kind.type
        found = schema().get_type(kind.name.value)
        variable = definition.variable.name.value
        if found is None or not graphql.is_input_type(found):
            message = f"{kind.name.value} isn't a defined input type (on ${variable})"
            self.add(
                definition,
                path,
                message,
                "variableRequiresValidType",
                typeName=kind.name.value,
                variableName=variable,
            )

    def _reachable(self, operation: OperationDefinitionNode) -> list[FragmentDefinitionNode]:
        found: dict[str, FragmentDefinitionNode] = {}
        waiting: list[Any] = [operation.selection_set]
        while waiting:
            for selection in waiting.pop().selections:
                if isinstance(selection, graphql.FragmentSpreadNode):
                    name = selection.name.value
                    if name in self.fragments and name not in found:
                        found[name] = self.fragments[name]
                        waiting.append(self.fragments[name].selection_set)
                elif selection.selection_set is not None:
                    waiting.append(selection.selection_set)
        return list(found.values())

    def _collect_variables(self, node: Any) -> None:
        checker = self

        class Collect(graphql.Visitor):
            def enter_variable(self, variable: VariableNode, *_: Any) -> None:
                checker._used.add(variable.name.value)

        graphql.visit(node, Collect())

    def _condition(self, on: Any, path: Path) -> Any:
        kind = schema().get_type(on.name.value)
        if kind is None or not graphql.is_composite_type(kind):
            message = f"No such type {on.name.value}, so it can't be a fragment condition"
            self.add(on, path, message, "undefinedType", typeName=on.name.value)
            return None
        return kind

    def _selections(self, selection_set: Any, kind: Any, path: Path) -> None:
        for selection in selection_set.selections:
            if isinstance(selection, FieldNode):
                self._field(selection, kind, path)
            elif isinstance(selection, InlineFragmentNode):
                on = selection.type_condition
                inner = (*path, f"... on {on.name.value}" if on else "...")
                target = self._condition(on, inner) if on else kind
                self._directives(selection, inner)
                if target is not None:
                    self._selections(selection.selection_set, target, inner)
            else:
                self._spread.add(selection.name.value)
                self._directives(selection, path)
                if selection.name.value not in self.fragments:
                    message = f"Fragment {selection.name.value} was used, but not defined"
                    code = "useAndDefineFragment"
                    self.add(selection, path, message, code, fragmentName=selection.name.value)

    def _field(self, node: FieldNode, parent: Any, path: Path) -> None:
        name = node.name.value
        path = (*path, node.alias.value if node.alias else name)
        if name == "__typename" or (name in ("__schema", "__type") and parent is schema().query_type):
            self._arguments_variables(node)
            return
        field = getattr(parent, "fields", {}).get(name)
        if field is None:
            message = f"Field '{name}' doesn't exist on type '{parent.name}'"
            self.add(node, path, message, "undefinedField", typeName=parent.name, fieldName=name)
            self._arguments_variables(node)
            return
        self._arguments(node, "Field", field.args, path)
        self._directives(node, path)
        inner = graphql.get_named_type(field.type)
        if graphql.is_leaf_type(inner):
            if node.selection_set:
                names = (getattr(s, "name", None) for s in node.selection_set.selections)
                chosen = ", ".join(f'"{n.value}"' for n in names if n is not None)
                shown = f"field '{name}' returns {inner.name} but has selections [{chosen}]"
                message = f"Selections can't be made on scalars ({shown})"
                code = "selectionMismatch"
                self.add(node, path, message, code, nodeName=f"field '{name}'", typeName=inner.name)
        elif node.selection_set is None:
            message = (
                f"Field must have selections (field '{name}' returns {inner.name} but has no selections."
                f" Did you mean '{name} {{ ... }}'?)"
            )
            self.add(node, path, message, "selectionMismatch", nodeName=f"field '{name}'", typeName=inner.name)
        else:
            self._selections(node.selection_set, inner, path)

    def _arguments_variables(self, node: Any) -> None:
        self._collect_variables(node)

    def _directives(self, node: Any, path: Path) -> None:
        for directive in node.directives or ():
            name = directive.name.value
            known = schema().get_directive(name)
            if known is None:
                message = f"Directive @{name} is not defined"
                self.add(directive, path, message, "undefinedDirective", directiveName=name)
            else:
                self._arguments(directive, "Directive", known.args, path)

    def _arguments(self, node: Any, owner: str, declared: Any, path: Path) -> None:
        """Arguments of a field or directive: known, complete, and of the right type where they are literals."""
        name = node.name.value
        present = set()
        for argument in node.arguments or ():
            key = argument.name.value
            present.add(key)
            if key not in declared:
                message = f"{owner} '{name}' doesn't accept argument '{key}'"
                self.add(
                    argument,
                    (*path, key),
                    message,
                    "argumentNotAccepted",
                    name=name,
                    typeName=owner,
                    argumentName=key,
                )
                self._collect_variables(argument)
            else:
                self._value(_Place(node, owner, name, key), argument.value, declared[key].type, (*path, key))
        missing = [k for k, d in declared.items() if graphql.is_required_argument(d) and k not in present]
        if missing:
            shown = ", ".join(missing)
            message = f"{owner} '{name}' is missing required arguments: {shown}"
            code = "missingRequiredArguments"
            self.add(node, path, message, code, className=owner, name=name, arguments=shown)

    def _value(self, place: _Place, value: Any, kind: Any, path: Path) -> None:
        """One literal against its type."""
        if isinstance(value, VariableNode):
            self._used.add(value.name.value)
            return
        inner = kind.of_type if graphql.is_non_null_type(kind) else kind
        if isinstance(value, graphql.NullValueNode):
            if inner is not kind:
                self._incompatible(place, value, kind, path)
        elif graphql.is_list_type(inner):
            items = value.values if isinstance(value, graphql.ListValueNode) else (value,)
            for position, item in enumerate(items):
                self._value(place, item, inner.of_type, (*path, position))
        elif isinstance(inner, GraphQLInputObjectType):
            if isinstance(value, graphql.ObjectValueNode):
                self._object(value, inner, path)
            else:
                self._incompatible(place, value, kind, path)
        elif graphql.is_enum_type(inner):
            if not isinstance(value, graphql.EnumValueNode) or value.value not in inner.values:
                self._incompatible(place, value, kind, path)
        elif inner.name == "JSON":
            self._collect_variables(value)
        else:
            self._scalar(place, value, kind, path)

    def _scalar(self, place: _Place, value: Any, kind: Any, path: Path) -> None:
        plain = getattr(value, "value", None)
        if isinstance(value, graphql.IntValueNode):
            plain = int(value.value)
        elif isinstance(value, graphql.FloatValueNode):
            plain = float(value.value)
        try:
            if isinstance(value, graphql.EnumValueNode):
                raise Coercion("not a scalar")
            scalar(graphql.get_named_type(kind).name, plain)
        except Coercion as refusal:
            if refusal.is_id:
                code = "argumentLiteralsIncompatible"
                self.add(place.at, path, refusal.explanation, code, typeName="CoercionError")
            else:
                self._incompatible(place, value, kind, path)

    def _incompatible(self, place: _Place, value: Any, kind: Any, path: Path) -> None:
        message = (
            f"Argument '{place.key}' on {place.owner} '{place.name}' has an invalid value "
            f"({graphql.print_ast(value)}). Expected type '{kind}'."
        )
        code = "argumentLiteralsIncompatible"
        self.add(place.at, path, message, code, typeName=place.owner, argumentName=place.key)

    def _object(self, node: Any, kind: GraphQLInputObjectType, path: Path) -> None:
        present = {field.name.value: field for field in node.fields}
        for key, field in present.items():
            if key not in kind.fields:
                message = f"InputObject '{kind.name}' doesn't accept argument '{key}'"
                extensions = {"name": kind.name, "typeName": "InputObject", "argumentName": key}
                self.add(field, (*path, key), message, "argumentNotAccepted", **extensions)
                self._collect_variables(field)
                continue
            declared = kind.fields[key].type
            self._value(_Place(node, "InputObject", kind.name, key), field.value, declared, (*path, key))
        for key, declared in kind.fields.items():
            if graphql.is_required_input_field(declared) and key not in present:
                message = f"Argument '{key}' on InputObject '{kind.name}' is required. Expected type {declared.type}"
                extensions = {
                    "argumentName": key,
                    "argumentType": str(declared.type),
                    "inputObjectType": kind.name,
                }
                self.add(node, (*path, key), message, "missingRequiredInputObjectAttribute", **extensions)
        if kind.is_one_of and len(present) != 1:
            message = f"'{kind.name}' requires exactly one argument, but {len(present)} were provided."
            self.add(node, path, message, "invalidOneOfInputObject", inputObjectType=kind.name)
