"""Made-up product nodes in the form of Shopify's answers, for benchmarks that need no server."""

from __future__ import annotations

from typing import Any

import orjson

TEXT = "<p>" + "Soft organic cotton, cut for everyday wear. " * 5 + "</p>"
SIZES = "SML"


def product(number: int) -> dict[str, Any]:
    """A node as `FetchProducts` answers it: three variants, one image, one metafield."""
    return {
        "id": f"gid://shopify/Product/{8_000_000_000_000 + number}",
        "handle": f"everyday-tee-{number}",
        "title": f"Everyday Tee №{number}",
        "descriptionHtml": TEXT,
        "vendor": f"Maker {number % 97}",
        "productType": "Shirt",
        "status": "ACTIVE",
        "tags": ["cotton", "organic", f"drop-{number % 12}"],
        "category": None,
        "templateSuffix": None,
        "seo": {"title": None, "description": None},
        "isGiftCard": False,
        "requiresSellingPlan": False,
        "publishedAt": "2026-01-01T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-02-01T00:00:00Z",
        "options": [
            {
                "id": f"gid://shopify/ProductOption/{10_000_000_000 + number}",
                "name": "Size",
                "position": 1,
                "optionValues": [
                    {"id": f"gid://shopify/ProductOptionValue/{number * 3 + at}", "name": size}
                    for at, size in enumerate(SIZES)
                ],
            }
        ],
        "variants": _connection([_variant(number, at, size) for at, size in enumerate(SIZES)]),
        "media": _connection(
            [
                {
                    "id": f"gid://shopify/MediaImage/{30_000_000_000 + number}",
                    "alt": "front",
                    "mediaContentType": "IMAGE",
                    "status": "READY",
                    "image": {"url": f"https://cdn.shopify.com/s/files/1/0000/0001/files/{number}.jpg?v=1"},
                }
            ]
        ),
        "metafields": _connection(
            [
                {
                    "id": f"gid://shopify/Metafield/{20_000_000_000 + number}",
                    "namespace": "custom",
                    "key": "care",
                    "type": "single_line_text_field",
                    "value": "wash cold",
                    "compareDigest": "0123456789abcdef",
                }
            ]
        ),
        "collections": _connection(
            [{"id": f"gid://shopify/Collection/{number % 20 + 1}", "handle": "all", "title": "All"}]
        ),
    }


def page(start: int, size: int) -> bytes:
    """The body of one `FetchProducts` answer."""
    return orjson.dumps({"data": {"nodes": [product(number) for number in range(start, start + size)]}})


def _connection(nodes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"nodes": nodes, "pageInfo": {"hasNextPage": False, "endCursor": None}}


def _variant(number: int, at: int, size: str) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/ProductVariant/{40_000_000_000 + number * 3 + at}",
        "inventoryItem": {
            "id": f"gid://shopify/InventoryItem/{50_000_000_000 + number * 3 + at}",
            "measurement": {"weight": {"value": 0.2, "unit": "KILOGRAMS"}},
            "requiresShipping": True,
            "tracked": True,
            "unitCost": {"amount": "7.40"},
            "countryCodeOfOrigin": "PT",
            "harmonizedSystemCode": None,
        },
        "title": size,
        "sku": f"TEE-{number}-{size}",
        "barcode": None,
        "position": at + 1,
        "price": "24.90",
        "compareAtPrice": None,
        "taxable": True,
        "inventoryPolicy": "DENY",
        "selectedOptions": [{"name": "Size", "value": size}],
    }
