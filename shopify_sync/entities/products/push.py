"""Products: what is sent for which change. Pure functions from records to operations.

Every operation here may be carried out twice (design, promise 3): `productSet` is told apart by id or handle,
variant updates and metafields are absolute values, joins and leaves of collections are sets, publishing is a
state.
Sources: Admin schema 2026-10 (`productSet`, `productVariantsBulkUpdate`, `metafieldsSet`, `metafieldsDelete`,
`productUpdate`, `publishablePublish`) and shopify.dev, "Sync product data".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from shopify_sync.records import Operation, Record, gid, number_of
from shopify_sync.spec import ChildDiff, Diff, ShopFacts
from shopify_sync.spec.handles import slug
from shopify_sync.spec.mapping import parse_time

SET = (
    "mutation SetProduct($identifier: ProductSetIdentifiers, $input: ProductSetInput!) { "
    "productSet(identifier: $identifier, input: $input, synchronous: true) { "
    "product { id handle createdAt updatedAt } userErrors { field message code } } }"
)
VARIANTS = (
    "mutation UpdateVariants($productId: ID!, $variants: [ProductVariantsBulkInput!]!) { "
    "productVariantsBulkUpdate(productId: $productId, variants: $variants, allowPartialUpdates: false) { "
    "product { id updatedAt } userErrors { field message code } } }"
)
COLLECTIONS = (
    "mutation MoveProduct($product: ProductUpdateInput!) { productUpdate(product: $product) { "
    "product { id updatedAt } userErrors { field message } } }"
)
METAFIELDS = (
    "mutation SetMetafields($metafields: [MetafieldsSetInput!]!) { metafieldsSet(metafields: $metafields) { "
    "metafields { id compareDigest } userErrors { field message code } } }"
)
NO_METAFIELDS = (
    "mutation DeleteMetafields($metafields: [MetafieldIdentifierInput!]!) { "
    "metafieldsDelete(metafields: $metafields) { deletedMetafields { ownerId namespace key } "
    "userErrors { field message } } }"
)
PUBLISH = (
    "mutation PublishProduct($id: ID!, $input: [PublicationInput!]!) { "
    "publishablePublish(id: $id, input: $input) { publishable { ... on Product { id } } "
    "userErrors { field message } } }"
)
UNPUBLISH = (
    "mutation UnpublishProduct($id: ID!, $input: [PublicationInput!]!) { "
    "publishableUnpublish(id: $id, input: $input) { publishable { ... on Product { id } } "
    "userErrors { field message } } }"
)
DELETE = (
    "mutation DeleteProduct($id: ID!) { productDelete(input: {id: $id}, synchronous: true) { "
    "deletedProductId userErrors { field message } } }"
)
MUTATIONS = (SET, VARIANTS, COLLECTIONS, METAFIELDS, NO_METAFIELDS, PUBLISH, UNPUBLISH, DELETE)

DEFAULT_OPTION = "Title"
DEFAULT_VALUE = "Default Title"
_METAFIELDS_A_CALL = 25  # recorded: metafields-set-over-limit-parity
_LIST_INPUT = 250  # list inputs take 250 elements (shopify.dev, "API limits")

_SCALARS = {
    "title": "title",
    "handle": "handle",
    "description_html": "descriptionHtml",
    "vendor": "vendor",
    "product_type": "productType",
    "status": "status",
    "tags": "tags",
    "category_id": "category",
    "template_suffix": "templateSuffix",
    "seo_title": "seo.title",
    "seo_description": "seo.description",
    "requires_selling_plan": "requiresSellingPlan",
}
_VARIANT = {
    "barcode": "barcode",
    "price": "price",
    "compare_at_price": "compareAtPrice",
    "taxable": "taxable",
    "inventory_policy": "inventoryPolicy",
    "sku": "inventoryItem.sku",
    "cost": "inventoryItem.cost",
    "tracked": "inventoryItem.tracked",
    "requires_shipping": "inventoryItem.requiresShipping",
    "country_code_of_origin": "inventoryItem.countryCodeOfOrigin",
    "harmonized_system_code": "inventoryItem.harmonizedSystemCode",
}
# Null is refused for these; leaving them out keeps what is there.
_NEVER_NULL = {"price", "taxable", "inventory_policy", "tracked", "requires_shipping", "title", "status"}
_MEDIA_TYPES = {"IMAGE": "MediaImage", "VIDEO": "Video", "EXTERNAL_VIDEO": "ExternalVideo", "MODEL_3D": "Model3d"}


def key(record: Record) -> str:
    """The handle that Shopify will give: the user's own, or one made from the title; nothing left gives `product`.

    A blank one is replaced by one made from the title (recorded: product-handle-dedup-parity).
    """
    return slug(str(record.get("handle") or "").strip() or str(record.get("title") or "")) or "product"


def lookup(handles: Sequence[str]) -> Operation:
    """One request that asks for many handles: `{h0: {id createdAt} | null, …}`. A point each."""
    names = range(len(handles))
    declared = ", ".join(f"$h{at}: String!" for at in names)
    asked = " ".join(f"h{at}: productByIdentifier(identifier: {{handle: $h{at}}}) {{ id createdAt }}" for at in names)
    return Operation(
        "FindProducts",
        f"query FindProducts({declared}) {{ {asked} }}",
        {f"h{at}": handle for at, handle in enumerate(handles)},
    )


def found(data: Mapping[str, Any], handles: Sequence[str]) -> dict[str, tuple[int, datetime]]:
    answers = {handle: data[f"h{at}"] for at, handle in enumerate(handles)}
    return {handle: (number_of(node["id"]), parse_time(node["createdAt"])) for handle, node in answers.items() if node}


def create(handle: str, record: Record) -> Operation:
    """Everything in one call, upserted by handle: an answer that got lost and is asked for again finds its own.

    The identifying handle has to be repeated in the input (Admin schema, ProductSetIdentifiers).
    """
    sent = _scalars(record, [name for name in _SCALARS if record.get(name) not in (None, "", [])])
    sent["handle"] = handle
    if record.get("is_gift_card"):
        sent["giftCard"] = True
    sent |= _structure(record, keep_ids=False)
    if media := record.get("media"):
        sent["files"] = _files(media)
    if metafields := record.get("metafields"):
        sent["metafields"] = [_metafield(item) for item in metafields]
    if collections := record.get("collections"):
        sent["collections"] = [gid("Collection", item["shopify_id"]) for item in collections]
    return _set({"handle": handle}, sent)


def created(payload: Mapping[str, Any]) -> int:
    return number_of(payload["product"]["id"])


def finish(shopify_id: int, record: Record, facts: ShopFacts) -> list[Operation]:
    """A product made through the API is on no sales channel; one that is published here is published there."""
    return _publication(shopify_id, record.get("published_at"), facts) if record.get("published_at") else []


def update(shopify_id: int, base: Record, local: Record, diff: Diff, facts: ShopFacts) -> list[Operation]:
    """The fewest and smallest operations that carry a change over."""
    operations: list[Operation] = []
    variants, options, media = diff.child("variants"), diff.child("options"), diff.child("media")
    structural = bool(options) or variants.structural or _moves(variants)
    sent = _scalars(local, [name for name in _SCALARS if name in diff.fields])
    if structural:
        sent |= _structure(local, keep_ids=True)
    if media:
        sent["files"] = _files(local.get("media") or [])
    if sent:
        operations.append(_set({"id": gid("Product", shopify_id)}, sent))
    if variants.changed and not structural:
        operations += _variants(shopify_id, variants)
    operations += _metafields(shopify_id, diff.child("metafields"))
    operations += _collections(shopify_id, diff.child("collections"))
    if "published_at" in diff.fields:
        operations += _publication(shopify_id, local.get("published_at"), facts)
    return operations


def archive(shopify_id: int) -> Operation:
    """What a deletion here does by default: the product stays, off all sales channels."""
    return _set({"id": gid("Product", shopify_id)}, {"status": "ARCHIVED"})


def archived(node: Mapping[str, Any]) -> bool:
    return node.get("status") == "ARCHIVED"


def remove(shopify_id: int) -> Operation:
    """For good, with its variants and their stock (Admin schema, productDelete). A second one finds nothing."""
    return Operation("DeleteProduct", DELETE, {"id": gid("Product", shopify_id)}, root="productDelete", mutation=True)


def _set(identifier: dict[str, str], sent: dict[str, Any]) -> Operation:
    return Operation("SetProduct", SET, {"identifier": identifier, "input": sent}, root="productSet", mutation=True)


def _scalars(record: Record, names: Sequence[str]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for name in names:
        value = record.get(name)
        if value is None and name in _NEVER_NULL:
            continue
        if name == "tags":
            value = list(value or [])
        if name == "handle":
            value = key(record)
        _put(sent, _SCALARS[name], value if value is not None or name == "category_id" else "")
    return sent


def _structure(record: Record, *, keep_ids: bool) -> dict[str, Any]:
    """Options and variants: always together and always complete, since an absent variant is a deleted one.

    Source: Admin schema, `productSet`: a list that is present is the whole truth.
    """
    options, variants = record.get("options") or [], record.get("variants") or []
    if not options:
        options = [{"name": DEFAULT_OPTION, "values": [DEFAULT_VALUE]}]
    if not variants:
        return {}
    values: dict[str, list[str]] = {option["name"]: list(option["values"]) for option in options}
    inputs = []
    for at, variant in enumerate(variants, start=1):
        chosen = variant.get("option_values") or {DEFAULT_OPTION: DEFAULT_VALUE}
        for name, value in chosen.items():
            if value not in values.setdefault(name, []):
                values[name].append(value)
        item = _variant(variant, [name for name in _VARIANT if keep_ids or variant.get(name) is not None])
        # ProductVariantSetInput has the sku at its own level as well; one place is enough.
        item["optionValues"] = [{"optionName": name, "name": value} for name, value in chosen.items()]
        item["position"] = at
        if keep_ids and variant.get("shopify_id") is not None:
            item["id"] = gid("ProductVariant", variant["shopify_id"])
        inputs.append(item)
    used = {
        name: [value for value in names if any((v.get("option_values") or {}).get(name) == value for v in variants)]
        for name, names in values.items()
    }
    ids = {option["name"]: option.get("shopify_id") for option in options}
    return {
        "productOptions": [
            ({"id": gid("ProductOption", ids[name])} if keep_ids and ids.get(name) else {})
            | {"name": name, "position": at, "values": [{"name": v} for v in used[name] or values[name]]}
            for at, name in enumerate(values, start=1)
        ],
        "variants": inputs,
    }


def _variant(variant: Record, names: Sequence[str]) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    for name in names:
        value = variant.get(name)
        if value is None and name in _NEVER_NULL:
            continue
        _put(sent, _VARIANT[name], _plain(value))
    if variant.get("weight") is not None and ("weight" in names or len(names) != 1):
        weight = {"value": float(variant["weight"]), "unit": variant.get("weight_unit") or "KILOGRAMS"}
        _put(sent, "inventoryItem.measurement.weight", weight)
    return sent


def _moves(variants: ChildDiff) -> bool:
    return any("option_values" in names for _, _, names in variants.changed)


def _variants(shopify_id: int, variants: ChildDiff) -> list[Operation]:
    inputs = []
    for _, variant, names in variants.changed:
        item = _variant(variant, [name for name in names if name in _VARIANT])
        if {"weight", "weight_unit"} & set(names) and variant.get("weight") is not None:
            weight = {"value": float(variant["weight"]), "unit": variant.get("weight_unit") or "KILOGRAMS"}
            _put(item, "inventoryItem.measurement.weight", weight)
        inputs.append(item | {"id": gid("ProductVariant", variant["shopify_id"])})
    return [
        Operation(
            "UpdateVariants",
            VARIANTS,
            {"productId": gid("Product", shopify_id), "variants": inputs[at : at + _LIST_INPUT]},
            root="productVariantsBulkUpdate",
            mutation=True,
        )
        for at in range(0, len(inputs), _LIST_INPUT)
    ]


def _files(media: Sequence[Record]) -> list[dict[str, Any]]:
    """The whole list in order: known ones by id, new ones by where Shopify can fetch them."""
    files: list[dict[str, Any]] = []
    for item in media:
        kind = item.get("media_type") or "IMAGE"
        if item.get("shopify_id") is not None:
            files.append({"id": gid(_MEDIA_TYPES[kind], item["shopify_id"]), "alt": item.get("alt") or ""})
        else:
            source = item.get("source_url") or item.get("url")
            files.append({"originalSource": source, "alt": item.get("alt") or "", "contentType": kind})
    return files


def _metafield(item: Record) -> dict[str, Any]:
    return {
        "namespace": item["namespace"],
        "key": item["key"],
        "type": item.get("type") or "single_line_text_field",
        "value": item.get("value") or "",
    }


def _metafields(shopify_id: int, diff: ChildDiff) -> list[Operation]:
    """Compare-and-set by digest: null says that it must not exist yet; an unchanged value passes all the same.

    Sources: Admin schema, MetafieldsSetInput.compareDigest; recorded: metafields-set-stale-digest-parity.
    """
    owner = gid("Product", shopify_id)
    sets = [_metafield(item) | {"ownerId": owner, "compareDigest": None} for item in diff.added]
    sets += [
        _metafield(after) | {"ownerId": owner, "compareDigest": before.get("compare_digest")}
        for before, after, _ in diff.changed
    ]
    gone = [{"ownerId": owner, "namespace": item["namespace"], "key": item["key"]} for item in diff.removed]
    operations = [
        Operation(
            "SetMetafields",
            METAFIELDS,
            {"metafields": sets[at : at + _METAFIELDS_A_CALL]},
            root="metafieldsSet",
            mutation=True,
        )
        for at in range(0, len(sets), _METAFIELDS_A_CALL)
    ]
    operations += [
        Operation(
            "DeleteMetafields",
            NO_METAFIELDS,
            {"metafields": gone[at : at + _LIST_INPUT]},
            root="metafieldsDelete",
            mutation=True,
        )
        for at in range(0, len(gone), _LIST_INPUT)
    ]
    return operations


def _collections(shopify_id: int, diff: ChildDiff) -> list[Operation]:
    if not diff.structural:
        return []
    product = {
        "id": gid("Product", shopify_id),
        "collectionsToJoin": [gid("Collection", item["shopify_id"]) for item in diff.added],
        "collectionsToLeave": [gid("Collection", item["shopify_id"]) for item in diff.removed],
    }
    return [Operation("MoveProduct", COLLECTIONS, {"product": product}, root="productUpdate", mutation=True)]


def _publication(shopify_id: int, published_at: datetime | None, facts: ShopFacts) -> list[Operation]:
    """Nothing where the shop's Online Store publication is not known (its scope was not granted)."""
    if facts.publication_id is None:
        return []
    target: dict[str, Any] = {"publicationId": gid("Publication", facts.publication_id)}
    variables = {"id": gid("Product", shopify_id), "input": [target]}
    if published_at is None:
        return [Operation("UnpublishProduct", UNPUBLISH, variables, root="publishableUnpublish", mutation=True)]
    return [Operation("PublishProduct", PUBLISH, variables, root="publishablePublish", mutation=True)]


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, leaf = path.split(".")
    for step in parents:
        target = target.setdefault(step, {})
    target[leaf] = value


_Plain = Callable[[Any], Any]


def _plain(value: Any) -> Any:
    """Money goes out as text, never as a float."""
    return format(value, "f") if isinstance(value, Decimal) else value
