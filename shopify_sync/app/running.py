"""One run, from its lease to its row in `sync_status`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shopify_sync.app import restored
from shopify_sync.config.file import near
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.merge import Rules
from shopify_sync.entities import NAMES, entity
from shopify_sync.errors import CircuitOpen, ConfigError, Interrupted, LeaseHeld, SyncError, UsageError
from shopify_sync.records import ApiUse, Gate, RunResult
from shopify_sync.spec import Deletes, Entity, Merge
from shopify_sync.spec.compare import fields_of
from shopify_sync.store import conflicts, leases, runs
from shopify_sync.store.local import DatabaseLocal

if TYPE_CHECKING:
    from shopify_sync.app.core import App

# During long waits the lease is renewed this often; it lasts several times as long.
BEAT_EVERY_S = 30.0
Work = Callable[[Context], None]


class Ended(Protocol):
    """Anything with an exit code."""

    @property
    def exit_code(self) -> int: ...


@dataclass
class Runner:
    """Carries out one run at a time. `group` is the first run of a command that makes several."""

    app: App
    group: int | None = None
    _leases: list[leases.Lease] = field(default_factory=list)
    _beaten_at: float = 0.0

    def run(
        self,
        name: str,
        direction: str,
        work: Work,
        *,
        gate: Gate | None = None,
        leased: Sequence[str] = (),
        handled: set[int] | None = None,
        last: bool = True,
    ) -> RunResult:
        """What stops a run is told in the result, not raised, but for Ctrl-C and for errors nobody foresaw.

        `leased` are the directions that nobody else may run meanwhile: this one, if none are given. `last` is false
        where another run of the same command follows.
        """
        app = self.app
        declared = declaration(name)
        result = RunResult(name, direction, started_at=app.clock.now())
        before = _copy(app.client.use)
        try:
            held = [] if app.dry_run else self._acquire(name, leased or (direction,))
        except LeaseHeld as error:
            return _ended(result, "skipped", error)
        self._leases, self._beaten_at = held, app.clock.monotonic()
        try:
            local = self._begin(declared, direction, held, result)
            context = self._context(declared, local, result, gate, handled)
            try:
                if not app.dry_run:
                    restored.check(app.settings.state_dir, app.database, accept=app.accept_restore)
                work(context)
                refused = [a for a in gate.refused if a.run == direction] if gate is not None else []
                self._judge(result, declared, last=last, refused=len(refused))
            except CircuitOpen as error:
                _ended(result, "deferred", error)
            except SyncError as error:
                _ended(result, "failed", error)
            except KeyboardInterrupt:
                _ended(result, "interrupted", Interrupted("stopped by the user", next="run it again to go on"))
                raise
            except BaseException as error:
                _ended(result, "failed", SyncError(f"{type(error).__name__} stopped the run"))
                raise
            finally:
                for kept in (context.exports, context.imports):
                    if kept is not None:
                        kept.close()
                result.api = _since(before, app.client.use)
                self._finish(result)
        finally:
            self._leases = []
            for lease in reversed(held):
                with suppress(SyncError):
                    lease.release()
        return result

    def waiting(self, seconds: float, reason: str) -> None:
        """Called before each wait: tell whoever watches, and keep the lease."""
        self.app.progress.waiting(seconds, reason)
        now = self.app.clock.monotonic()
        if self._leases and now - self._beaten_at > BEAT_EVERY_S:
            self._beaten_at = now
            for lease in self._leases:
                lease.beat()

    def _acquire(self, name: str, directions: Sequence[str]) -> list[leases.Lease]:
        held: list[leases.Lease] = []
        for direction in directions:
            try:
                held.append(
                    leases.acquire(self.app.database, f"{self.app.shop['id']}:{name}:{direction}", self.app.clock)
                )
            except BaseException:
                for lease in held:
                    with suppress(SyncError):
                        lease.release()
                raise
        return held

    def _begin(
        self, declared: Entity, direction: str, held: Sequence[leases.Lease], result: RunResult
    ) -> DatabaseLocal:
        app, now = self.app, self.app.clock.now()
        if held:
            with app.database.transaction() as conn:
                runs.interrupt_others(conn, app.shop["id"], declared.name, direction, now)
                result.run_id = runs.start(
                    conn,
                    app.shop["id"],
                    declared.name,
                    direction,
                    trigger=app.trigger,
                    holder=held[0].holder,
                    now=now,
                    group=self.group,
                )
        return DatabaseLocal(
            app.database,
            declared,
            app.shop["id"],
            direction=direction,
            run_id=result.run_id or 0,
            lease=held[0] if held else None,
            clock=app.clock,
        )

    def _context(
        self,
        declared: Entity,
        local: DatabaseLocal,
        result: RunResult,
        gate: Gate | None,
        handled: set[int] | None,
    ) -> Context:
        from shopify_sync.shopify.exports import ShopifyExports
        from shopify_sync.shopify.imports import ShopifyImports
        from shopify_sync.shopify.remote import ShopifyRemote

        app = self.app
        folder = app.settings.state_dir
        label = hashlib.sha256(f"{app.database.name} {app.domain} {declared.name}".encode()).hexdigest()[:16]
        return Context(
            entity=declared,
            remote=ShopifyRemote(app.client, declared, app.clock),
            local=local,
            result=result,
            progress=app.progress,
            clock=app.clock,
            rules=rules_of(app, declared),
            gate=gate,
            deletes=deletes_of(app, declared),
            handled=handled if handled is not None else set(),
            exports=ShopifyExports(app.client, declared, app.clock, folder, label),
            imports=ShopifyImports(app.client, app.clock, folder, label),
        )

    def _finish(self, result: RunResult) -> None:
        app = self.app
        result.finished_at = app.clock.now()
        if result.run_id is None:
            return
        # The error that stopped the run matters more than one of writing it down.
        with suppress(SyncError):
            with app.database.transaction() as conn:
                runs.finish(conn, result.run_id, result, result.finished_at)
                reached = None
                if not (result.error and result.error["code"] == "database-restored"):
                    reached = restored.advance(conn, result.run_id, result.finished_at)
            if reached is not None:
                restored.remember(app.settings.state_dir, reached, result.finished_at)

    def _judge(self, result: RunResult, declared: Entity, *, last: bool, refused: int) -> None:
        """Green only when nothing failed and nobody waits, in this run or from an earlier one. Where it is not the
        `last` of a command, what was edited since is the next one's to judge. `refused` is how much of a plan is not
        done, since it has moved."""
        if result.run_id is not None and result.direction in ("pull", "push"):
            table = "" if last else str(declared.table.__tablename__)  # type: ignore[attr-defined]
            with self.app.database.read() as conn:
                waiting = conflicts.waiting_records(conn, self.app.shop["id"], result.entity, table)
            result.counts.conflicts = waiting
        if result.counts.failed:
            result.status, result.exit_code = "partial", 3
        elif result.counts.conflicts:
            result.status, result.exit_code = "partial", 4
        elif refused:
            result.status, result.exit_code = "partial", 9
            result.notes.append(f"{refused} of what was planned has moved since and was left alone")
        else:
            result.status = "succeeded"


def declaration(name: str) -> Entity:
    """An entity by name. Raises UsageError."""
    try:
        return entity(name)
    except KeyError:
        raise UsageError(f"there is no entity {name!r}", next=f"choose one of: {', '.join(NAMES)}") from None


def rules_of(app: App, declared: Entity) -> Rules:
    """The merge policy that the configuration sets for an entity. Raises ConfigError for a field that is none."""
    chosen = app.settings.entities.get(declared.name)
    if chosen is None:
        return Rules()
    if unknown := unknown_fields(declared, chosen.fields):
        raise ConfigError("the configuration has mistakes", problems=unknown, next="correct them")
    return Rules(chosen.strategy, chosen.prefer, chosen.fields)


def unknown_fields(declared: Entity, named: Iterable[str]) -> list[str]:
    """What is wrong with names of fields under `entities.NAME.fields`."""
    known = {column.name for column in declared.columns if column.maps.merge is not Merge.READ_ONLY}
    for child in declared.children:
        known |= {child.name, *(f"{child.name}.{column.name}" for column in fields_of(child))}
    return [
        f"`entities.{declared.name}.fields`: there is no field `{name}` that can be merged{near(name, sorted(known))}"
        for name in named
        if name not in known
    ]


def deletes_of(app: App, declared: Entity) -> Deletes:
    """What deletions do: the configuration's word, else the entity's own."""
    chosen = app.settings.entities.get(declared.name)
    if chosen is None:
        return declared.deletes
    return Deletes(chosen.deletes.shopify or declared.deletes.shopify, chosen.deletes.local or declared.deletes.local)


def worst(results: Sequence[Ended]) -> int:
    """The exit code of several runs or checks: what stopped one, then what failed, then what waits."""
    codes = {result.exit_code for result in results}
    order = (130, 1, 2, 7, 5, 6, 8, 9, 3, 4)
    return next((code for code in order if code in codes), 0)


def _ended(result: RunResult, status: str, error: SyncError) -> RunResult:
    result.status, result.error, result.exit_code = status, error.as_json(), error.exit_code
    return result


def _copy(use: ApiUse) -> ApiUse:
    return ApiUse(use.requests, use.points, use.throttled, use.retries, use.waited_s)


def _since(before: ApiUse, now: ApiUse) -> ApiUse:
    return ApiUse(
        now.requests - before.requests,
        now.points - before.points,
        now.throttled - before.throttled,
        now.retries - before.retries,
        now.waited_s - before.waited_s,
    )
