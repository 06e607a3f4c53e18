"""One look at a bulk operation, and the documents by which Shopify is asked about them.

Source: shopify-admin-api.md C.1 and K.13; the fields were recorded (bulk-operation-status-catalog-cancel).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from shopify_sync.records import number_of
from shopify_sync.spec.mapping import parse_time

BulkType: TypeAlias = Literal["QUERY", "MUTATION"]
LIVE = frozenset(("CREATED", "RUNNING", "CANCELING"))  # hold a slot

_FIELDS = "id type status errorCode createdAt completedAt objectCount rootObjectCount fileSize url partialDataUrl query"
_ERRORS = "userErrors { field message code }"
RUN_QUERY = (
    "mutation BulkQuery($query: String!, $grouped: Boolean!) { bulkOperationRunQuery(query: $query, "
    f"groupObjects: $grouped) {{ bulkOperation {{ {_FIELDS} }} {_ERRORS} }} }}"
)
RUN_MUTATION = (
    "mutation BulkMutation($mutation: String!, $path: String!, $identifier: String) { "
    "bulkOperationRunMutation(mutation: $mutation, stagedUploadPath: $path, clientIdentifier: $identifier) "
    f"{{ bulkOperation {{ {_FIELDS} }} {_ERRORS} }} }}"
)
STATE = f"query BulkState($id: ID!) {{ bulkOperation(id: $id) {{ {_FIELDS} }} }}"
# Newest first is the default, and `reverse` turns it (recorded: bulk-operations-live-hybrid-base-overlay,
# bulk-operation-status-catalog-cancel).
LIST = (
    "query BulkList($first: Int!, $after: String, $query: String) { bulkOperations(first: $first, after: $after, "
    f"query: $query, sortKey: CREATED_AT) {{ nodes {{ {_FIELDS} }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
CANCEL = (
    f"mutation BulkCancel($id: ID!) {{ bulkOperationCancel(id: $id) {{ bulkOperation {{ {_FIELDS} }} "
    "userErrors { field message } } }"
)
STAGE = (
    "mutation StageUpload($input: [StagedUploadInput!]!) { stagedUploadsCreate(input: $input) { "
    "stagedTargets { url parameters { name value } } userErrors { field message } } }"
)
DOCUMENTS = {
    "BulkQuery": RUN_QUERY,
    "BulkMutation": RUN_MUTATION,
    "BulkState": STATE,
    "BulkList": LIST,
    "BulkCancel": CANCEL,
    "StageUpload": STAGE,
}


@dataclass(frozen=True, slots=True)
class BulkState:
    """`status` is Shopify's: CREATED, RUNNING, COMPLETED, FAILED, CANCELING, CANCELED, EXPIRED.

    `objects` (all) and `roots` (those of the outermost connection, or lines of an import) grow while it runs; times
    are aware UTC. `file_size` in bytes is of what lies at `url`, unpacked. Both addresses are signed, hence secret:
    they are in no repr, and belong in no database and no `--json`. `query` is the inner document as it was given.
    """

    id: int
    type: str
    status: str
    error_code: str | None
    created_at: datetime
    completed_at: datetime | None
    objects: int
    roots: int
    file_size: int | None
    url: str | None = field(repr=False)
    partial_url: str | None = field(repr=False)
    query: str = field(repr=False)

    @property
    def live(self) -> bool:
        """It holds a slot, and looking again will show something else."""
        return self.status in LIVE

    @property
    def finished(self) -> bool:
        """Ended, well or not."""
        return not self.live

    @property
    def complete(self) -> bool:
        """Ended well. Of an import it does not say that each line did (shopify-admin-api.md C.4)."""
        return self.status == "COMPLETED"


def state_of(node: Mapping[str, Any]) -> BulkState:
    """A `BulkOperation` as Shopify sends it: counts and sizes are strings. Raises KeyError, ValueError, TypeError."""
    done, size = node["completedAt"], node["fileSize"]
    return BulkState(
        id=number_of(node["id"]),
        type=str(node["type"]),
        status=str(node["status"]),
        error_code=node["errorCode"],
        created_at=parse_time(node["createdAt"]),
        completed_at=None if done is None else parse_time(done),
        objects=int(node["objectCount"]),
        roots=int(node["rootObjectCount"]),
        file_size=None if size is None else int(size),
        url=node["url"],
        partial_url=node["partialDataUrl"],
        query=str(node["query"]),
    )
