"""Products, with options, variants, media, metafields and the collections they are in. Both ways.

`productSet` and what it needs besides are in `push.py`, the tables with each column's place in `tables.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from shopify_sync.entities.products import push, tables
from shopify_sync.records import Node, Record
from shopify_sync.spec import Child, Entity, Push


def media_settled(product: Node) -> bool:
    """Media are processed after the answer (Admin schema, MediaStatus); until then they have no URL."""
    return all(item["status"] in {"READY", "FAILED"} for item in product["media"])


def media_source(item: Record) -> str:
    """Where a medium comes from, without the version that Shopify puts behind its addresses."""
    return str(item.get("source_url") or item.get("url") or "").partition("?")[0]


def complete(record: Record, base: Record | None) -> Record:
    """A product always has a variant, and a variant without options the value "Default Title" of an option "Title".

    Source: Admin schema, Product.hasOnlyDefaultVariant. Here one may leave both out. The values of a variant come
    in the order of the options, as Shopify lists them; a database may keep another one. A value that no variant has
    is only there where Shopify has it already: with variants it can't be sent.
    """
    variants, options = record.get("variants") or [], record.get("options") or []
    if not variants:
        return record | {"variants": base["variants"], "options": base["options"]} if base else record
    if options or len(variants) > 1:
        names = [option["name"] for option in options]
        return record | {
            "options": _used(options, variants, base) if base else options,
            "variants": [variant | {"option_values": _in_order(variant, names)} for variant in variants],
        }
    chosen = variants[0].get("option_values") or {push.DEFAULT_OPTION: push.DEFAULT_VALUE}
    return record | {
        "options": [{"shopify_id": None, "name": n, "position": 1, "values": [v]} for n, v in chosen.items()],
        "variants": [variants[0] | {"option_values": chosen}],
    }


def _used(options: list[Record], variants: list[Record], base: Record) -> list[Record]:
    known = {value for option in base.get("options") or [] for value in option["values"]}
    found = []
    for option in options:
        used = known | {(variant.get("option_values") or {}).get(option["name"]) for variant in variants}
        kept = [value for value in option.get("values") or [] if value in used]
        found.append(option | {"values": kept} if kept else option)
    return found


def _in_order(variant: Record, names: list[str]) -> dict[str, str]:
    values = variant.get("option_values") or {}
    return {name: values[name] for name in names if name in values} | values


def skus(record: Record) -> str | None:
    """The set of its SKUs: what tells a product apart where the handle fails. None where a variant has none."""
    found = sorted(str(variant.get("sku") or "") for variant in record.get("variants") or [])
    return "\n".join(found) if found and all(found) else None


def of_an_app(metafield: Record) -> bool:
    """In a namespace that is one app's own: no other may write it (recorded:
    metafields-set-delete-app-namespace-resolution)."""
    return str(metafield.get("namespace") or "").startswith("app--")


def fits(record: Record) -> bool:
    """Whether options and variants go together: each variant has each option, and no two choose the same."""
    names = {option["name"] for option in record.get("options") or []}
    chosen = [variant.get("option_values") or {} for variant in record.get("variants") or []]
    distinct = {tuple(sorted(values.items())) for values in chosen}
    return len(distinct) == len(chosen) and all(set(values) == names for values in chosen)


def align(base: Record, local: Record, remote: Record) -> tuple[list[Record], Callable[[Record], Record]]:
    """Variants of all three name their options as the base does, so that a renamed option is one change, not one of
    each variant; the function gives a merged record's variants the names that its options have."""
    known = {option["shopify_id"]: option["name"] for option in base.get("options") or [] if option.get("shopify_id")}
    aligned = [_spelled(side, _renames(side, known)) for side in (base, local, remote)]
    if any(side is None for side in aligned):
        return [base, local, remote], lambda merged: merged
    sides = [side for side in aligned if side is not None]

    def back(merged: Record) -> Record:
        renames = {old: new for new, old in _renames(merged, known).items()}
        return _chosen(_spelled(merged, renames) or merged, sides)

    return sides, back


def _chosen(merged: Record, sides: list[Record]) -> Record:
    """An option's values are those that variants have: one leaves with its last variant, and stays while a variant
    stays (recorded: productVariantsBulkCreate). One that no side's variant has is left alone."""
    variants = [variant for side in (merged, *sides) for variant in side.get("variants") or []]
    everywhere = {value for variant in variants for value in (variant.get("option_values") or {}).values()}
    options = []
    for option in merged.get("options") or []:
        name, values = option["name"], option.get("values") or []
        used = {(variant.get("option_values") or {}).get(name) for variant in merged.get("variants") or []}
        kept = [value for value in values if value in used or value not in everywhere]
        for side in reversed(sides):
            same = [o for o in side.get("options") or [] if o.get("shopify_id") == option.get("shopify_id")]
            previous = -1
            for value in (same[0].get("values") or []) if same else []:
                if value in used and value not in kept:
                    kept.insert(previous + 1, value)
                previous = kept.index(value) if value in kept else previous
        options.append(option | {"values": kept})
    return merged | {"options": options}


def _renames(record: Record, known: dict[int, str]) -> dict[str, str]:
    """{name of an option in this record: its name in the base}, for all whose names differ."""
    options = record.get("options") or []
    return {
        option["name"]: known[option["shopify_id"]]
        for option in options
        if option.get("shopify_id") in known and known[option["shopify_id"]] != option["name"]
    }


def _spelled(record: Record, renames: dict[str, str]) -> Record | None:
    """With its variants' options renamed; None where another option has one of the new names."""
    if not renames:
        return record
    variants = record.get("variants") or []
    names = {name for variant in variants for name in variant.get("option_values") or {}}
    if (names - renames.keys()) & set(renames.values()):
        return None
    return record | {
        "variants": [
            variant | {"option_values": {renames.get(k, k): v for k, v in (variant.get("option_values") or {}).items()}}
            for variant in variants
        ]
    }


ENTITY = Entity(
    name="products",
    label="Products",
    gid_type="Product",
    root="products",
    single="product",
    table=tables.Product,
    natural_key="handle",
    complete=complete,
    second_key=skus,
    group=("variants", "options"),
    fits=fits,
    align=align,
    subject="PRODUCT",
    children=(
        Child(
            name="options",
            table=tables.ProductOption,
            path="options",
            parent_column="product_id",
            identity=("name",),
            complete=True,
            ordered=True,
            order_column="position",
        ),
        Child(
            name="variants",
            table=tables.ProductVariant,
            path="variants",
            connection=True,
            gid_types=("ProductVariant",),
            first=100,
            parent_column="product_id",
            identity=("option_values",),
            complete=True,
            ordered=True,
            order_column="position",
        ),
        Child(
            name="media",
            table=tables.ProductMedia,
            path="media",
            connection=True,
            gid_types=("MediaImage", "Video", "ExternalVideo", "Model3d"),
            first=50,
            parent_column="product_id",
            identify=media_source,
            ordered=True,
            position_column="position",
            remembers=("url", "source_url"),
        ),
        Child(
            name="metafields",
            table=tables.Metafield,
            path="metafields",
            connection=True,
            gid_types=("Metafield",),
            first=50,
            parent_column="owner_id",
            fixed={"owner_type": "product"},
            identity=("namespace", "key"),
            foreign=of_an_app,
            key=("owner_type", "namespace", "key"),
        ),
        Child(
            name="collections",
            table=tables.ProductCollection,
            path="collections",
            connection=True,
            gid_types=("Collection",),
            first=50,
            parent_column="product_id",
            target=tables.Collection,
            link="collection_id",
            identity=("shopify_id",),
        ),
    ),
    push=Push(
        lookup=push.lookup,
        found=push.found,
        create=push.create,
        created=push.created,
        update=push.update,
        finish=push.finish,
        key=push.key,
        settled=media_settled,
        archive=push.archive,
        archived=push.archived,
        remove=push.remove,
    ),
    pull_scopes=("read_products", "read_inventory"),
    push_scopes=("write_products", "write_inventory", "write_publications"),
    topics=("PRODUCTS_CREATE", "PRODUCTS_UPDATE", "PRODUCTS_DELETE"),
)
