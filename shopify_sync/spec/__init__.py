"""What an entity is, as data, and everything that follows from it without knowing any entity by name."""

from shopify_sync.spec.compare import ChildDiff, Diff, FieldChange, compare, lines, pair
from shopify_sync.spec.declare import (
    Child,
    Column,
    Entity,
    Form,
    Maps,
    Merge,
    Push,
    ShopFacts,
    columns_of,
)
from shopify_sync.spec.mapping import canonical, record_of, row_maker, shopify_id, updated_at

__all__ = [
    "Child",
    "ChildDiff",
    "Column",
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
    "record_of",
    "row_maker",
    "shopify_id",
    "updated_at",
]
