"""What an entity is, as data, and everything that follows from it without knowing any entity by name."""

from shopify_sync.spec.compare import ChildDiff, Diff, FieldChange, compare, lines, pair, same
from shopify_sync.spec.declare import (
    Child,
    Column,
    Deletes,
    Entity,
    Form,
    Maps,
    Merge,
    Push,
    ShopFacts,
    columns_of,
)
from shopify_sync.spec.mapping import (
    canonical,
    plain,
    record_of,
    revived,
    row_maker,
    rows_maker,
    shopify_id,
    updated_at,
)

__all__ = [
    "Child",
    "ChildDiff",
    "Column",
    "Deletes",
    "Diff",
    "Entity",
    "FieldChange",
    "Form",
    "Maps",
    "Merge",
    "Push",
    "ShopFacts",
    "canonical",
    "columns_of",
    "compare",
    "lines",
    "pair",
    "plain",
    "record_of",
    "revived",
    "row_maker",
    "rows_maker",
    "same",
    "shopify_id",
    "updated_at",
]
