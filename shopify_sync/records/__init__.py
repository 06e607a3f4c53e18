"""What travels between the layers: operations and replies, nodes and records, changes and results.

A *node* is a dict as Shopify sent it, its connections drained into plain lists. A *record* is the same thing in
our words: columns of the entity's table, and under each child's name a list of dicts of the child's columns.
"""

from shopify_sync.records.exchange import (
    Budget,
    Cost,
    Export,
    Fetched,
    Listed,
    Node,
    Operation,
    Page,
    Reply,
    Sent,
    Transport,
    gid,
    number_of,
)
from shopify_sync.records.plans import Action, Applying, Gate, PlanLine, Planning
from shopify_sync.records.proofs import Difference, Proof, Stored, Unequal
from shopify_sync.records.rows import (
    Batch,
    Change,
    Checkpoint,
    Decision,
    Disagreement,
    Dispute,
    Incoming,
    Known,
    LocalRecord,
    Record,
    Settlement,
    Standing,
    Tomb,
    content_hash,
)
from shopify_sync.records.runs import ApiUse, Counts, Progress, RecordError, RunResult

__all__ = [
    "Action",
    "ApiUse",
    "Applying",
    "Batch",
    "Budget",
    "Change",
    "Checkpoint",
    "Cost",
    "Counts",
    "Decision",
    "Difference",
    "Disagreement",
    "Dispute",
    "Export",
    "Fetched",
    "Gate",
    "Incoming",
    "Known",
    "Listed",
    "LocalRecord",
    "Node",
    "Operation",
    "Page",
    "PlanLine",
    "Planning",
    "Progress",
    "Proof",
    "Record",
    "RecordError",
    "Reply",
    "RunResult",
    "Sent",
    "Settlement",
    "Standing",
    "Stored",
    "Tomb",
    "Transport",
    "Unequal",
    "content_hash",
    "gid",
    "number_of",
]
