"""The side door under `/_sandbox/`, for tests and demos: statistics, faults, the merchant's hand, clock, seed, reset.

No token is asked, the server listens on loopback only. Shapes are in `route`; errors are 400 `{"error": text}`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from shopify_sync.sandbox.faults import fault_from_json
from shopify_sync.sandbox.registry import MUTATIONS, Context
from shopify_sync.sandbox.state import Record, Shop

if TYPE_CHECKING:
    from shopify_sync.sandbox.server import SandboxServer

_PRODUCT_KEYS = frozenset(
    (
        "title",
        "handle",
        "descriptionHtml",
        "vendor",
        "productType",
        "tags",
        "status",
        "templateSuffix",
        "seo",
        "category",
        "requiresSellingPlan",
    )
)
_VARIANT_KEYS = frozenset(("price", "compareAtPrice", "barcode", "taxable", "inventoryPolicy"))


class BadControl(ValueError):
    """The request to the control endpoint makes no sense; the text says why."""


def route(server: SandboxServer, method: str, path: str, query: str, body: Any) -> Any:
    """Answer one control request.

    GET stats | POST stats/reset | GET, POST, DELETE faults (POST: a list of texts or objects, or
    {"rules": [...], "seed": n}) | POST edit (see `edit`) | POST clock {"advance_s": n} |
    POST seed {"products": n, "seed": s} | POST reset | GET digest | GET dump?type=Product.
    Raises BadControl, LookupError for an unknown path.
    """
    shop, given = server.shop, body if isinstance(body, dict) else {}
    match method, path:
        case "GET", "stats":
            return server.stats()
        case "POST", "stats/reset":
            server.reset_stats()
            return server.stats()
        case "GET", "faults":
            return server.faults.as_json()
        case "POST", "faults":
            return _set_faults(server, body)
        case "DELETE", "faults":
            server.faults.replace([])
            return []
        case "POST", "edit":
            return edit(shop, given)
        case "POST", "clock":
            shop.advance(float(given.get("advance_s", 0)))
            return {"now": shop.now_iso()}
        case "POST", "seed":
            server.seed(int(given.get("products", 0)), int(given.get("seed", 1)))
            return shop.counts()
        case "POST", "reset":
            server.reset()
            return shop.counts()
        case "GET", "digest":
            with shop.lock:
                return {"digest": shop.digest(), "counts": shop.counts()}
        case "GET", "dump":
            type_name = parse_qs(query).get("type", ["Product"])[0]
            with shop.lock:
                return list(shop.table(type_name).values())
    raise LookupError(path)


def _set_faults(server: SandboxServer, body: Any) -> Any:
    given = body if isinstance(body, dict) and "rules" in body else {"rules": body}
    rules = given["rules"] if isinstance(given["rules"], list) else [given["rules"]]
    try:
        server.faults.replace([fault_from_json(rule) for rule in rules], given.get("seed"))
    except ValueError as error:
        raise BadControl(str(error)) from None
    return server.faults.as_json()


def edit(shop: Shop, given: dict[str, Any]) -> dict[str, Any]:
    """Change the store as its merchant would.

    {"create": {"title": ..., "price": ..., "sku": ..., any other product key}}
    {"product": gid or handle, "delete": true}
    {"product": gid or handle, "set": {product keys, "price": for all variants}, "variants": [{"id" | "sku" |
    "position": which, keys to set: price compareAtPrice barcode taxable inventoryPolicy newSku inventoryQuantity}],
    "metafields": [{"namespace", "key", "type", "value"}]}

    Returns {"product": {id, handle, title, updatedAt}}. Raises BadControl with the userErrors' texts.
    """
    with shop.lock:
        shop.merchant_acts = True
        try:
            product = _create(shop, given["create"]) if "create" in given else _change(shop, given)
        finally:
            shop.merchant_acts = False
            shop.flush()
        return {
            "product": {
                "id": shop.gid("Product", product["id"]),
                "handle": product["handle"],
                "title": product["title"],
                "updatedAt": product["updatedAt"],
            }
        }


def _call(shop: Shop, name: str, args: dict[str, Any]) -> dict[str, Any]:
    payload: dict[str, Any] = MUTATIONS[name](Context(shop=shop, mutating=True), args)
    if payload.get("userErrors"):
        raise BadControl("; ".join(error["message"] for error in payload["userErrors"]))
    return payload


def _create(shop: Shop, given: dict[str, Any]) -> Record:
    values = {key: given[key] for key in given.keys() & _PRODUCT_KEYS}
    product: Record = _call(shop, "productCreate", {"product": values})["product"]
    chosen = {key: given[key] for key in given.keys() & {"price", "compareAtPrice", "barcode", "sku"}}
    if chosen:
        variant = {"position": 1, **{("newSku" if key == "sku" else key): value for key, value in chosen.items()}}
        _variants(shop, product, [variant])
    return shop.table("Product")[product["id"]]


def _change(shop: Shop, given: dict[str, Any]) -> Record:
    name = str(given.get("product", ""))
    product = shop.find(name, "Product") or shop.by_handle("Product", name)
    if product is None:
        raise BadControl(f"no product {name!r}")
    gid = shop.gid("Product", product["id"])
    if given.get("delete"):
        _call(shop, "productDelete", {"input": {"id": gid}, "synchronous": True})
        return product
    values = dict(given.get("set") or {})
    variants = list(given.get("variants") or [])
    if "price" in values:
        price = values.pop("price")
        variants += [{"position": place, "price": price} for place in range(1, len(product["variantIds"]) + 1)]
    unknown = values.keys() - _PRODUCT_KEYS
    if unknown:
        raise BadControl(f"cannot set {', '.join(sorted(unknown))}; known: {', '.join(sorted(_PRODUCT_KEYS))}, price")
    if values:
        _call(shop, "productUpdate", {"product": {"id": gid, **values}})
    if given.get("metafields"):
        rows = [{"ownerId": gid, **row} for row in given["metafields"]]
        _call(shop, "metafieldsSet", {"metafields": rows})
        shop.touch_product(product["id"])
    if variants:
        _variants(shop, shop.table("Product")[product["id"]], variants)
    return shop.table("Product")[product["id"]]


def _variants(shop: Shop, product: Record, given: list[dict[str, Any]]) -> None:
    table = shop.table("ProductVariant")
    inputs = []
    for change in given:
        variant = next((table[n] for n in product["variantIds"] if _meant(shop, table[n], change)), None)
        if variant is None:
            raise BadControl(f"no such variant: {change}")
        values: dict[str, Any] = {key: change[key] for key in change.keys() & _VARIANT_KEYS}
        if "newSku" in change:
            values["inventoryItem"] = {"sku": change["newSku"]}
        if values:
            inputs.append({"id": shop.gid("ProductVariant", variant["id"]), **values})
        if "inventoryQuantity" in change:
            fresh = {**variant, "inventoryQuantity": int(change["inventoryQuantity"]), "updatedAt": shop.now_iso()}
            shop.put("ProductVariant", fresh)
            shop.touch_product(product["id"])
    if inputs:
        gid = shop.gid("Product", product["id"])
        _call(shop, "productVariantsBulkUpdate", {"productId": gid, "variants": inputs})


def _meant(shop: Shop, variant: Record, change: dict[str, Any]) -> bool:
    if "id" in change:
        return bool(change["id"] == shop.gid("ProductVariant", variant["id"]))
    if "position" in change:
        return bool(change["position"] == variant["position"])
    return "sku" in change and bool(change["sku"] == variant["sku"])
