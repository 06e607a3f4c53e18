"""Products: their tables, and where each column stands in Shopify's answer.

Fields: Admin schema 2026-10, types Product, ProductVariant, ProductOption, Media, Metafield, Collection.
Left out on purpose: stock (the inventory entity has it), deprecated fields, and what only one sales channel uses.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from shopify_sync.columns import Document, ExactDecimal, UtcTime
from shopify_sync.entities.products.html import same_html
from shopify_sync.records import Node
from shopify_sync.spec import Maps, Merge
from shopify_sync.spec.handles import slug

_OWN = Merge.READ_ONLY


def media_url(media: Node) -> str | None:
    """Where a medium can be fetched; None until it is processed (recorded: product-create-media-parity)."""
    if image := media.get("image"):
        return str(image["url"])
    if sources := media.get("sources"):
        return str(sources[0]["url"])
    return media.get("originUrl")


def both_published(_here: datetime, _there: datetime) -> bool:
    """Shopify publishes by its own clock, so two times say the same: that it is published."""
    return True


def option_values(variant: Node) -> dict[str, str]:
    return {chosen["name"]: chosen["value"] for chosen in variant["selectedOptions"]}


def value_names(option: Node) -> list[str]:
    return [value["name"] for value in option["optionValues"]]


def same_tag(tag: str) -> str:
    """Tags are compared without regard to case and outer blanks (recorded: tags-normalization-parity)."""
    return tag.strip().casefold()


def customs_digits(code: str) -> str:
    """`1234.56` is stored as `123456` (recorded: product-variants-bulk-create-parity)."""
    return "".join(letter for letter in code if letter.isdigit())


def _id() -> Any:
    return Field(default=None, primary_key=True)


def _parent(table: str = "products.id") -> Any:
    return Field(sa_column=Column(ForeignKey(table, ondelete="CASCADE"), nullable=False))


def _big() -> Any:
    return Field(default=None, sa_type=BigInteger)


def _sync_rev() -> Any:
    return Field(default=0, sa_column_kwargs={"server_default": text("0")})


class Product(SQLModel, table=True):
    """A product. Triggers set `dirty` and `local_rev`, whoever writes; `sync_rev` moves with our writes."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("shop_id", "shopify_id"),
        Index("ix_products_shop_id_handle", "shop_id", "handle"),
        Index(
            "ix_products_dirty",
            "shop_id",
            "id",
            sqlite_where=text("dirty"),
            postgresql_where=text("dirty"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: int | None = _id()
    shop_id: int = Field(foreign_key="shops.id")
    shopify_id: Annotated[int | None, Maps("id", _OWN)] = _big()
    handle: Annotated[str | None, Maps("handle", required=True, normal=slug)] = Field(default=None, sa_type=Text)
    title: Annotated[str, Maps("title")] = Field(sa_type=Text)
    description_html: Annotated[str | None, Maps("descriptionHtml", alike=same_html)] = Field(
        default=None, sa_type=Text
    )
    vendor: Annotated[str | None, Maps("vendor")] = Field(default=None, sa_type=Text)
    product_type: Annotated[str | None, Maps("productType")] = Field(default=None, sa_type=Text)
    status: Annotated[str, Maps("status")] = Field(
        default="DRAFT", sa_type=Text, sa_column_kwargs={"server_default": text("'DRAFT'")}
    )
    tags: Annotated[list[str], Maps("tags", Merge.UNION, normal=same_tag)] = Field(
        sa_column=Column(Document, nullable=False, server_default=text("'[]'"))
    )
    category_id: Annotated[str | None, Maps("category.id")] = Field(default=None, sa_type=Text)
    template_suffix: Annotated[str | None, Maps("templateSuffix")] = Field(default=None, sa_type=Text)
    seo_title: Annotated[str | None, Maps("seo.title")] = Field(default=None, sa_type=Text)
    seo_description: Annotated[str | None, Maps("seo.description")] = Field(default=None, sa_type=Text)
    is_gift_card: Annotated[bool, Maps("isGiftCard", _OWN)] = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    requires_selling_plan: Annotated[bool, Maps("requiresSellingPlan")] = Field(
        sa_column=Column(Boolean, nullable=False, server_default=text("false"))
    )
    published_at: Annotated[datetime | None, Maps("publishedAt", sendable=False, alike=both_published)] = Field(
        default=None, sa_type=UtcTime
    )
    created_at: Annotated[datetime | None, Maps("createdAt", _OWN)] = Field(default=None, sa_type=UtcTime)
    updated_at: datetime | None = Field(default=None, sa_type=UtcTime)
    deleted_at: datetime | None = Field(default=None, sa_type=UtcTime)
    synced_at: datetime | None = Field(default=None, sa_type=UtcTime)
    push_started_at: datetime | None = Field(default=None, sa_type=UtcTime)
    dirty: bool = Field(sa_column=Column(Boolean, nullable=False, server_default=text("true")))
    local_rev: int = Field(default=1, sa_column_kwargs={"server_default": text("1")})
    refused_rev: int | None = None
    held_rev: int | None = None
    edited_at: datetime | None = Field(default=None, sa_type=UtcTime)
    sync_rev: int = _sync_rev()
    payload: Any = Field(default=None, sa_column=Column(Document))
    payload_hash: str | None = Field(default=None, sa_type=Text)
    disputed: Any = Field(default=None, sa_column=Column(Document))


class ProductOption(SQLModel, table=True):
    __tablename__ = "product_options"
    __table_args__ = (UniqueConstraint("product_id", "shopify_id"), {"sqlite_autoincrement": True})

    id: int | None = _id()
    product_id: int = _parent()
    shopify_id: Annotated[int | None, Maps("id", _OWN)] = _big()
    name: Annotated[str, Maps("name")] = Field(sa_type=Text)
    position: Annotated[int | None, Maps("position", required=True)] = None
    values: Annotated[
        list[str], Maps("optionValues", Merge.SEQUENCE, select="optionValues { id name }", read=value_names)
    ] = Field(sa_column=Column(Document, nullable=False, server_default=text("'[]'")))
    sync_rev: int = _sync_rev()


class ProductVariant(SQLModel, table=True):
    """A variant. Weight, cost, customs and `tracked` stand on its inventory item in Shopify."""

    __tablename__ = "product_variants"
    __table_args__ = (
        UniqueConstraint("product_id", "shopify_id"),
        Index("ix_product_variants_sku", "sku"),
        Index("ix_product_variants_inventory_item_id", "inventory_item_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = _id()
    product_id: int = _parent()
    shopify_id: Annotated[int | None, Maps("id", _OWN)] = _big()
    inventory_item_id: Annotated[int | None, Maps("inventoryItem.id", _OWN)] = _big()
    title: Annotated[str | None, Maps("title", _OWN)] = Field(default=None, sa_type=Text)
    sku: Annotated[str | None, Maps("sku")] = Field(default=None, sa_type=Text)
    barcode: Annotated[str | None, Maps("barcode")] = Field(default=None, sa_type=Text)
    position: Annotated[int | None, Maps("position", required=True)] = None
    price: Annotated[Decimal | None, Maps("price", required=True)] = Field(default=None, sa_type=ExactDecimal)
    compare_at_price: Annotated[Decimal | None, Maps("compareAtPrice")] = Field(default=None, sa_type=ExactDecimal)
    option_values: Annotated[
        dict[str, str], Maps("selectedOptions", select="selectedOptions { name value }", read=option_values)
    ] = Field(sa_column=Column(Document, nullable=False, server_default=text("'{}'")))
    taxable: Annotated[bool | None, Maps("taxable", required=True)] = None
    inventory_policy: Annotated[str | None, Maps("inventoryPolicy", required=True)] = Field(default=None, sa_type=Text)
    weight: Annotated[Decimal | None, Maps("inventoryItem.measurement.weight.value", required=True)] = Field(
        default=None, sa_type=ExactDecimal
    )
    weight_unit: Annotated[str | None, Maps("inventoryItem.measurement.weight.unit", required=True)] = Field(
        default=None, sa_type=Text
    )
    requires_shipping: Annotated[bool | None, Maps("inventoryItem.requiresShipping", required=True)] = None
    tracked: Annotated[bool | None, Maps("inventoryItem.tracked", required=True)] = None
    cost: Annotated[Decimal | None, Maps("inventoryItem.unitCost.amount")] = Field(default=None, sa_type=ExactDecimal)
    country_code_of_origin: Annotated[str | None, Maps("inventoryItem.countryCodeOfOrigin")] = Field(
        default=None, sa_type=Text
    )
    harmonized_system_code: Annotated[str | None, Maps("inventoryItem.harmonizedSystemCode", normal=customs_digits)] = (
        Field(default=None, sa_type=Text)
    )
    sync_rev: int = _sync_rev()


class ProductMedia(SQLModel, table=True):
    """An image, video or model. `source_url` is where we took it from, `url` where Shopify serves it."""

    __tablename__ = "product_media"
    __table_args__ = (UniqueConstraint("product_id", "shopify_id"), {"sqlite_autoincrement": True})

    id: int | None = _id()
    product_id: int = _parent()
    shopify_id: Annotated[int | None, Maps("id", _OWN)] = _big()
    url: Annotated[
        str | None,
        Maps(
            "url",
            _OWN,
            read=media_url,
            select="... on MediaImage { image { url } } ... on ExternalVideo { originUrl } "
            "... on Video { sources { url } } ... on Model3d { sources { url } }",
        ),
    ] = Field(default=None, sa_type=Text)
    source_url: str | None = Field(default=None, sa_type=Text)
    alt: Annotated[str | None, Maps("alt")] = Field(default=None, sa_type=Text)
    position: int | None = None
    media_type: Annotated[str, Maps("mediaContentType", _OWN)] = Field(
        default="IMAGE", sa_type=Text, sa_column_kwargs={"server_default": text("'IMAGE'")}
    )
    status: Annotated[str | None, Maps("status", _OWN)] = Field(default=None, sa_type=Text)
    sync_rev: int = _sync_rev()


class Collection(SQLModel, table=True):
    """A collection that some product is in. Only its name is kept; collections are no entity yet."""

    __tablename__ = "collections"
    __table_args__ = (UniqueConstraint("shop_id", "shopify_id"), {"sqlite_autoincrement": True})

    id: int | None = _id()
    shop_id: int = Field(foreign_key="shops.id")
    shopify_id: Annotated[int | None, Maps("id", _OWN)] = _big()
    handle: Annotated[str | None, Maps("handle", _OWN)] = Field(default=None, sa_type=Text)
    title: Annotated[str | None, Maps("title", _OWN)] = Field(default=None, sa_type=Text)
    updated_at: datetime | None = Field(default=None, sa_type=UtcTime)
    sync_rev: int = _sync_rev()


class ProductCollection(SQLModel, table=True):
    __tablename__ = "product_collections"
    __table_args__ = (
        UniqueConstraint("product_id", "collection_id"),
        Index("ix_product_collections_collection_id", "collection_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = _id()
    product_id: int = _parent()
    collection_id: int = _parent("collections.id")
    sync_rev: int = _sync_rev()


class Metafield(SQLModel, table=True):
    """A metafield of any owner. `product_id` is derived, for the foreign key."""

    __tablename__ = "metafields"
    __table_args__ = (
        UniqueConstraint("owner_type", "owner_id", "namespace", "key"),
        Index("ix_metafields_product_id", "product_id"),
        {"sqlite_autoincrement": True},
    )

    id: int | None = _id()
    owner_type: str = Field(sa_type=Text)
    owner_id: int
    shopify_id: Annotated[int | None, Maps("id", _OWN)] = _big()
    namespace: Annotated[str | None, Maps("namespace", _OWN)] = Field(default=None, sa_type=Text)
    key: Annotated[str | None, Maps("key", _OWN)] = Field(default=None, sa_type=Text)
    type: Annotated[str | None, Maps("type")] = Field(default=None, sa_type=Text)
    value: Annotated[str | None, Maps("value")] = Field(default=None, sa_type=Text)
    compare_digest: Annotated[str | None, Maps("compareDigest", _OWN)] = Field(default=None, sa_type=Text)
    product_id: int | None = Field(
        default=None,
        sa_column=Column(
            Integer,
            Computed("CASE WHEN owner_type = 'product' THEN owner_id END", persisted=True),
            ForeignKey("products.id", ondelete="CASCADE"),
        ),
    )
    sync_rev: int = _sync_rev()
