"""Deletions made here, on their way to Shopify: archived, deleted or left alone there, as the policy says.

A record that Shopify changed since it was last seen is in dispute: nobody who deleted it knew of that change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shopify_sync.engine import decide
from shopify_sync.engine.chunks import Context
from shopify_sync.records import Action, Batch, Node, Operation, RecordError, Tomb
from shopify_sync.spec import shopify_id

PAGE = 50


@dataclass
class Buried:
    """Carries deletions over."""

    context: Context
    dry_run: bool = False
    only: set[int] | None = None

    def __post_init__(self) -> None:
        self.entity, self.remote, self.local = self.context.entity, self.context.remote, self.context.local
        self.result, self.gate = self.context.result, self.context.gate

    def run(self) -> None:
        policy = self.context.deletes.local
        if policy == "ignore":
            if waiting := self.local.standing().deletions:
                self.result.notes.append(
                    f"{waiting} {self.entity.name} deleted here are left alone on Shopify (policy `ignore`)"
                )
            return
        after = 0
        while tombs := self.local.tombs(after, PAGE):
            after = tombs[-1].id
            if self.only is not None:
                tombs = [tomb for tomb in tombs if tomb.shopify_id in self.only]
                if not tombs:
                    continue
            self.result.counts.seen += len(tombs)
            self._page(tombs)

    def _page(self, tombs: Sequence[Tomb]) -> None:
        # Read whole, not by their times: a change within the second of the last read does not show in those.
        nodes = {shopify_id(node): node for node in self.remote.fetch([tomb.shopify_id for tomb in tombs]).nodes}
        gone = [tomb for tomb in tombs if tomb.shopify_id not in nodes]
        if not self.dry_run and gone:
            with self.local.session() as session:
                for tomb in gone:
                    session.entomb(tomb, "deleted", None)
                session.progress(self.result)
        natural = self.entity.natural_key
        with self.local.session() as session:
            anew = session.unlinked([str(node[natural]) for node in nodes.values()])
        for tomb in tombs:
            # What was made again here under the same key is linked by the push, and no deletion.
            if tomb not in gone and str(nodes[tomb.shopify_id][natural]) not in anew:
                self._one(tomb, nodes[tomb.shopify_id])

    def _one(self, tomb: Tomb, node: Node) -> None:
        if decide.arriving(self.entity, node).payload_hash != tomb.payload_hash:
            decision = tomb.decision.take if tomb.decision else ""
            winner = decide.edit_delete(self.context.rules, decision, "shopify")
            if winner == "":
                self._dispute(tomb, node)
                return
            if not decision:
                self._by_policy(tomb, node, winner)
            if winner == "shopify":
                self._bring_back(tomb, node)
                return
        elif tomb.decision is not None and tomb.decision.take == "shopify":
            self._bring_back(tomb, node)
            return
        self._carry_over(tomb)

    def _dispute(self, tomb: Tomb, node: Node) -> None:
        self.result.counts.conflicts += 1
        if not self._admits("conflict", "conflict", tomb, reason="deleted here, edited on Shopify") or self.dry_run:
            return
        with self.local.session() as session:
            before = session.buried_record(tomb)
            batch = Batch(conflicts=[decide.deleted_here(self.entity, tomb, before, node)])
            session.save(batch, self.context.clock.now())

    def _by_policy(self, tomb: Tomb, node: Node, winner: str) -> None:
        if self.dry_run or self.gate is not None:
            return
        with self.local.session() as session:
            found = decide.deleted_here(self.entity, tomb, session.buried_record(tomb), node)
            told = decide.settled_by_policy(self.context.rules, found, winner)
            session.save(Batch(conflicts=[told]), self.context.clock.now())

    def _bring_back(self, tomb: Tomb, node: Node) -> None:
        if not self._admits("pull", "create", tomb, reason="Shopify's edit was preferred to the deletion here"):
            return
        with self.local.session() as session:
            session.entomb(tomb, "restored", None)
            session.save(Batch(create=[decide.arriving(self.entity, node)]), self.context.clock.now())
            session.progress(self.result)
        self.result.counts.created += 1

    def _carry_over(self, tomb: Tomb) -> None:
        push, kind = self.entity.push, "delete" if self.context.deletes.local == "propagate" else "archive"
        make = push.remove if kind == "delete" else push.archive
        if make is None:
            self.result.notes.append(f"{self.entity.name} can't be {kind}d on Shopify: {tomb.key} is left alone")
            return
        operation = make(tomb.shopify_id)
        if not self._admits("push", kind, tomb, [operation], "deleted here"):
            return
        with self.local.session() as session:
            journal = session.journal_burial(tomb, kind)
        sent = self.remote.send(operation)
        answer = self.remote.fetch([tomb.shopify_id])
        with self.local.session() as session:
            if sent.errors and answer.nodes:
                errors = [self._named(error, tomb) for error in sent.errors]
                session.refuse(self.result.run_id or 0, tomb.local_id or 0, -1, errors)
                self.result.errors += errors
                self.result.counts.failed += 1
            else:
                incoming = decide.arriving(self.entity, answer.nodes[0]) if answer.nodes else None
                session.entomb(tomb, "archived" if answer.nodes else "deleted", incoming)
                session.journal_outcome(journal, answer.nodes[0] if answer.nodes else None)
                self.result.counts.deleted += 1
            self.result.api = self.remote.use
            session.progress(self.result)

    def _named(self, error: RecordError, tomb: Tomb) -> RecordError:
        return replace(error, record_key=tomb.key, local_id=tomb.local_id, shopify_id=tomb.shopify_id)

    def _admits(
        self, direction: str, kind: str, tomb: Tomb, operations: Sequence[Operation] = (), reason: str = ""
    ) -> bool:
        if self.gate is None:
            return True
        action = Action(direction, kind, self.entity.name, tomb.key, tomb.local_id, tomb.shopify_id, (), reason)
        return self.gate.admits(action, operations) or kind == "conflict"
