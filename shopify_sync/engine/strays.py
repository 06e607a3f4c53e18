"""What other programs left between runs that no trigger could mark for what it is. Looked at before each run."""

from __future__ import annotations

from shopify_sync.engine import decide
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.own import INTENT_SLACK
from shopify_sync.spec import shopify_id


def gather(context: Context) -> None:
    """Rows that were deleted and put back, or replaced as a whole, are changed ones. Records that were deleted while
    they were made on Shopify are deleted ones, if they were made."""
    if returned := context.local.returned():
        with context.local.session() as session:
            session.take_back(returned)
    if not (unmade := context.local.unmade()):
        return
    found = context.remote.find([one.key for one in unmade if one.key])
    known = context.local.known([number for number, _ in found.values()])
    ours = {
        one.id: found[one.key][0]
        for one in unmade
        if one.key in found
        and found[one.key][0] not in known
        and one.begun_at is not None
        and found[one.key][1] >= one.begun_at - INTENT_SLACK
    }
    nodes = {shopify_id(node): node for node in context.remote.fetch(list(ours.values())).nodes} if ours else {}
    with context.local.session() as session:
        for one in unmade:
            node = nodes.get(ours.get(one.id, 0))
            session.made(one, decide.arriving(context.entity, node) if node is not None else None)
