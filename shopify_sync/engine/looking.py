"""What a push looks at before it writes: how its records stand on Shopify, and who has the keys that they want."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shopify_sync.engine import turns
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.outcome import Task
from shopify_sync.engine.own import certain, created_by_us, recognised
from shopify_sync.engine.turns import Turns
from shopify_sync.records import LocalRecord, Node
from shopify_sync.spec import record_of, shopify_id, updated_at


@dataclass
class Looking:
    """`rivals` are the local ids of several new records of one key that Shopify has, by the key."""

    context: Context
    rivals: dict[str, list[int]] = field(default_factory=dict)
    turns: Turns = field(init=False)

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.turns = Turns(self.entity)

    def look(self, tasks: Sequence[Task]) -> tuple[dict[int, Node], set[int]]:
        """The nodes of those that moved, or may have, since they were read, and the ids that are gone there."""
        if not tasks:
            return {}, set()
        wanted = {task.local.shopify_id: task.local.updated_at for task in tasks if task.local.shopify_id}
        stamps = self.remote.stamps(list(wanted))
        missing = {number for number in wanted if number not in stamps}
        read = {task.local.shopify_id: task.local.read_at for task in tasks if task.local.seen is not None}
        moved = [
            number
            for number, at in wanted.items()
            if number in stamps
            and (stamps[number].updated_at != at or not certain(read.get(number), stamps[number].updated_at))
        ]
        fetched = self.remote.fetch(moved) if moved else None
        nodes = {shopify_id(node): node for node in fetched.nodes} if fetched else {}
        return nodes, missing | set(fetched.missing if fetched else ())

    def find(self, tasks: Sequence[Task], nodes: dict[int, Node]) -> dict[str, tuple[int, datetime]]:
        """A create always looks before it writes: what stands on Shopify under the keys of new records, and under
        those that records are to be renamed to."""
        new = [task for task in tasks if task.local.shopify_id is None]
        for task in new:
            task.handle = self.entity.push.key(task.local.record)
        renamed = {key for task in tasks if task.linked and (key := turns.wanted(self.entity, task.local)) is not None}
        keys = {task.handle for task in new}
        if not keys | renamed:
            return {}
        existing = self.remote.find(sorted(keys | renamed))
        known = self.local.known([number for number, _ in existing.values()])
        self.turns.holders = {key: known[number] for key, (number, _) in existing.items() if number in known}
        strange = {key: number for key, (number, _) in existing.items() if key in keys and number not in known}
        if strange:
            nodes.update({shopify_id(node): node for node in self.remote.fetch(list(strange.values())).nodes})
            with self.local.session() as session:
                self.rivals = {key: ids for key, ids in session.unlinked(list(strange)).items() if len(ids) > 1}
        return existing

    def ours(self, local: LocalRecord, number: int, node: Node | None, made_at: datetime) -> LocalRecord:
        """Whether the record found under our key is the one that an earlier, interrupted run created.

        Then Shopify's state is the base and what differs is still to be sent. A record that was there before is
        somebody else's: no base, so every difference is in dispute.
        """
        linked = replace(local, shopify_id=number)
        if node is None or not created_by_us(local, made_at):
            return linked
        return self.known_as(linked, number, node)

    def known_as(self, local: LocalRecord, number: int, node: Node) -> LocalRecord:
        """Shopify's state is the base."""
        seen = recognised(self.entity, local, record_of(self.entity, node))
        return replace(local, shopify_id=number, seen=seen, node=node, updated_at=updated_at(node))
