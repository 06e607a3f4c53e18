"""The plainest script that brings a catalogue into SQLite by bulk operations: what a user would write in an hour.

    SHOPIFY_API_URL=… SHOPIFY_ACCESS_TOKEN=… python -m benchmarks.plain_bulk shop.db

Four bulk queries at once, a poll a second, files read whole, rows upserted. No incremental pull, no merge, no history,
no retries, no pacing; in return it is the yardstick for `products pull --method bulk` (see rows/plain.py).
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from typing import Any

import httpx
import orjson

# What is asked of each kind, and the columns that are made of it: a path into the node for each.
PRODUCT = (
    "id handle title descriptionHtml vendor productType status tags templateSuffix isGiftCard requiresSellingPlan "
    "publishedAt createdAt updatedAt seo { title description } category { id } "
    "options { id name position optionValues { id name } }"
)
VARIANT = (
    "id title sku barcode position price compareAtPrice taxable inventoryPolicy selectedOptions { name value } "
    "product { id } inventoryItem { id requiresShipping tracked unitCost { amount } countryCodeOfOrigin "
    "harmonizedSystemCode measurement { weight { value unit } } }"
)
MEDIUM = "id alt mediaContentType status ... on MediaImage { image { url } }"
METAFIELD = "id namespace key type value compareDigest"
QUERIES = {
    "products": "{ products { edges { node {" + PRODUCT + "} } } }",
    "variants": "{ productVariants { edges { node {" + VARIANT + "} } } }",
    "media": "{ products { edges { node { id media { edges { node {" + MEDIUM + "} } } } } } }",
    "metafields": "{ products { edges { node { id metafields { edges { node {" + METAFIELD + "} } } } } } }",
}
COLUMNS = {
    "products": "id handle title descriptionHtml vendor productType status tags templateSuffix isGiftCard "
    "requiresSellingPlan publishedAt createdAt updatedAt seo.title seo.description category.id options",
    "variants": "id product.id title sku barcode position price compareAtPrice taxable inventoryPolicy "
    "selectedOptions inventoryItem.id inventoryItem.requiresShipping inventoryItem.tracked "
    "inventoryItem.unitCost.amount inventoryItem.countryCodeOfOrigin inventoryItem.harmonizedSystemCode "
    "inventoryItem.measurement.weight.value inventoryItem.measurement.weight.unit",
    "media": "id __parentId alt mediaContentType status image.url",
    "metafields": "id __parentId namespace key type value compareDigest",
}
RUN = (
    "mutation ($query: String!) { bulkOperationRunQuery(query: $query) "
    "{ bulkOperation { id } userErrors { message } } }"
)
POLL = "query ($id: ID!) { bulkOperation(id: $id) { status url } }"


def main() -> None:
    api = httpx.Client(timeout=60, headers={"X-Shopify-Access-Token": os.environ["SHOPIFY_ACCESS_TOKEN"]})
    files = httpx.Client(timeout=60)
    database = sqlite3.connect(sys.argv[1])

    def ask(document: str, /, **variables: str) -> Any:
        url = f"{os.environ['SHOPIFY_API_URL']}/admin/api/2026-10/graphql.json"
        return api.post(url, json={"query": document, "variables": variables}).json()["data"]

    running = {
        table: ask(RUN, query=query)["bulkOperationRunQuery"]["bulkOperation"]["id"] for table, query in QUERIES.items()
    }
    for table, operation in running.items():
        while (told := ask(POLL, id=operation)["bulkOperation"])["status"] != "COMPLETED":
            time.sleep(1)
        paths = [name.split(".") for name in COLUMNS[table].split()]
        names = ['"' + "_".join(path) + '"' for path in paths]
        rows = []
        for line in files.get(told["url"]).content.splitlines() if told["url"] else ():
            node = orjson.loads(line)
            if table in ("products", "variants") or "__parentId" in node:
                rows.append([value(node, path) for path in paths])
        changes = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
        with database:
            database.execute(f"CREATE TABLE IF NOT EXISTS {table} (id TEXT PRIMARY KEY, {', '.join(names[1:])})")
            database.executemany(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))}) ON CONFLICT (id) DO UPDATE SET {changes}",
                rows,
            )


def value(node: Any, path: list[str]) -> Any:
    """What stands at a path; lists as JSON."""
    for step in path:
        node = node.get(step) if node else None
    return orjson.dumps(node).decode() if isinstance(node, list) else node


if __name__ == "__main__":
    main()
