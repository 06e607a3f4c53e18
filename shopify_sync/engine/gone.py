"""Records that were edited here and that Shopify no longer has."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from shopify_sync.engine import decide
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.outcome import Task
from shopify_sync.engine.refusals import unlinked
from shopify_sync.records import Batch, Disagreement
from shopify_sync.spec import Diff


def edited_but_deleted(
    context: Context, tasks: Sequence[Task], missing: set[int], admits: Callable[..., bool], *, dry_run: bool
) -> list[Task]:
    """Records that Shopify no longer has: in dispute, unless somebody or a policy has decided."""
    entity, counts = context.entity, context.result.counts
    left: list[Task] = []
    batch = Batch()
    anew: list[int] = []
    for task in tasks:
        number = task.local.shopify_id
        if number is None or number not in missing:
            left.append(task)
            continue
        winner = decide.gone_or_edited(entity, context.rules, task.local)
        if winner == "":
            batch.conflicts.append(decide.gone(entity, task.local))
            counts.conflicts += 1
            admits("conflict", "conflict", task, Diff(), "edited here, deleted on Shopify")
        elif winner == "shopify":
            if admits("pull", "archive", task, Diff(), "deleted on Shopify"):
                batch.conflicts += _by_policy(context, task, winner)
                batch.gone.append(task.local.local_id)
                counts.deleted += 1
        else:
            batch.conflicts += _by_policy(context, task, winner)
            anew.append(task.local.local_id)
            task.local, task.anew = unlinked(entity, task.local), True
            left.append(task)
    if not dry_run and (batch.conflicts or batch.gone or anew):
        with context.local.session() as session:
            session.unlink(anew)
            session.save(batch, context.remote.served_at or context.clock.now())
    return left


def _by_policy(context: Context, task: Task, winner: str) -> list[Disagreement]:
    found = decide.gone(context.entity, task.local)
    if not found.local or task.local.decisions.get("") is not None:
        return []
    return [decide.settled_by_policy(context.rules, found, winner)]
