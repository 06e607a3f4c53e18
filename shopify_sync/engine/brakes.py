"""Brakes: what stops a run before its first write. Habits of rclone bisync, applied to a shop.

A side that is empty and was not, more deletions than anybody wants by accident, every record changed at once: each
ends the run with exit 9 and a sentence that says how to go on.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopify_sync.errors import BrakeApplied
from shopify_sync.records import Standing


@dataclass(frozen=True, slots=True)
class Brakes:
    """`max_delete` is the part of all records (0.1 for 10 %) that one run may delete; up to `few` may always go.

    `allow_deletes` and `allow_changes` lift them for one run; one that is `bringing_back` what was deleted here finds
    it missing, of course.
    """

    max_delete: float = 0.1
    few: int = 10
    allow_deletes: bool = False
    allow_changes: bool = False
    bringing_back: bool = False

    def before_pull(self, standing: Standing, total: int | None, *, first: bool, had: int | None = None) -> None:
        """`total` is how many records Shopify has, None where it does not say; `had` how many were here when both
        sides were last compared, None where that is not known."""
        self._local_side(standing, 0 if had == 0 else total, first=first)
        if total is None or self.allow_deletes:
            return
        if total == 0 and standing.linked > 0:
            raise BrakeApplied(
                f"Shopify has no record any more, and here are {standing.linked:,}",
                code="empty-shop",
                why="taking that over would mark every record here as deleted; nothing was written",
                next="check that this is the right shop; if it was emptied on purpose, add --allow-mass-delete",
            )
        self.before_deletions(standing, standing.linked + standing.absent - total)

    def before_push(self, standing: Standing, *, first: bool) -> None:
        self._local_side(standing, None, first=first)
        if not self.allow_changes and standing.linked > self.few and standing.changed >= standing.linked:
            raise BrakeApplied(
                f"every one of {standing.linked:,} records was changed here",
                code="everything-changed",
                why="that is rarely meant; nothing was sent",
                next="`shopify-sync plan --allow-mass-change` shows the changes; if they are meant, give it to `sync`",
            )

    def before_deletions(self, standing: Standing, deletions: int) -> None:
        """Before records are taken for deleted since Shopify no longer has them."""
        if not self.allow_deletes and self._many(deletions, standing.linked):
            raise BrakeApplied(
                f"{deletions:,} of {standing.linked:,} records are gone on Shopify",
                code="mass-delete",
                why=f"more than {self.max_delete:.0%} at once; none was marked as deleted here",
                next="`shopify-sync plan --allow-mass-delete` names them; if they are meant, give it to `sync`",
            )

    def _local_side(self, standing: Standing, total: int | None, *, first: bool) -> None:
        if self.allow_deletes or self.bringing_back or first:
            return
        # Emptied: deletions wait, or Shopify has what is neither here nor was deleted here. New records are no sign.
        lost = (total or 0) > standing.absent and standing.unlinked == 0
        if standing.linked == 0 and (standing.deletions or lost):
            raise BrakeApplied(
                "the database has no record any more, and it had some",
                code="empty-database",
                why=f"{standing.deletions:,} deletions wait" if standing.deletions else "its tables were emptied",
                next="to bring the records back from Shopify, run `shopify-sync sync --undelete`; "
                "if they were deleted on purpose, add --allow-mass-delete",
            )
        if self._many(standing.deletions, standing.linked + standing.deletions):
            raise BrakeApplied(
                f"{standing.deletions:,} of {standing.linked + standing.deletions:,} records were deleted here",
                code="mass-delete",
                why=f"more than {self.max_delete:.0%} at once; Shopify was left alone",
                next="to bring them back, run `shopify-sync sync --undelete`; "
                "if they were deleted on purpose, add --allow-mass-delete",
            )

    def _many(self, deletions: int, total: int) -> bool:
        return deletions > self.few and deletions > self.max_delete * total
