"""Where the facts about Shopify lie on a developer's machine. They are no part of the project; tests skip without."""

from __future__ import annotations

import gzip
import os
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SHOPIFY_SYNC_SHARED") or ROOT.parent / "shared")
SCHEMA = SHARED / "schema" / "admin-2026-10.json.gz"
CAPTURES = SHARED / "captures"
CSVS = SHARED / "data" / "product-csvs"

needs_schema = pytest.mark.skipif(not SCHEMA.exists(), reason=f"Shopify's schema is not at {SCHEMA}")
needs_captures = pytest.mark.skipif(not CAPTURES.exists(), reason=f"no recordings of real stores at {CAPTURES}")
needs_csvs = pytest.mark.skipif(not CSVS.exists(), reason=f"no product CSVs at {CSVS}")


@cache
def admin_schema() -> Any:
    """Shopify's own schema as graphql-core sees it. It breaks a few rules of the specification itself."""
    from graphql import build_client_schema

    data = orjson.loads(gzip.decompress(SCHEMA.read_bytes()))["data"]
    return build_client_schema(data, assume_valid=True)


def refusals(document: str, variables: dict[str, Any] | None = None) -> list[str]:
    """What Shopify's schema has against a document and, where given, its variables."""
    from graphql import parse, validate
    from graphql.execution.values import get_variable_values
    from graphql.language import OperationDefinitionNode

    schema = admin_schema()
    parsed = parse(document)
    found = [error.message for error in validate(schema, parsed)]
    if found or variables is None:
        return found
    operation = next(d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))
    coerced = get_variable_values(schema, operation.variable_definitions or (), variables)
    return [error.message for error in coerced] if isinstance(coerced, list) else []
