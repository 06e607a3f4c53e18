"""The program: a shop, a database, and the runs between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from shopify_sync.app import checks, importing
from shopify_sync.clock import Clock, SystemClock
from shopify_sync.config import Settings
from shopify_sync.engine.pull import Pull, PullOptions
from shopify_sync.engine.push import Push, PushOptions
from shopify_sync.entities import NAMES, entity
from shopify_sync.errors import CircuitOpen, Interrupted, LeaseHeld, SyncError, UsageError
from shopify_sync.files import Parsed, Problem
from shopify_sync.records import ApiUse, Progress, RunResult
from shopify_sync.resilience.breaker import Breaker
from shopify_sync.shopify.client import Client, build_client
from shopify_sync.shopify.remote import ShopifyRemote
from shopify_sync.shopify.shop import ShopInfo, ask, online_store
from shopify_sync.spec import Entity, ShopFacts
from shopify_sync.store import leases, migrate, runs, shops
from shopify_sync.store.breaker import DatabaseBreakerStore
from shopify_sync.store.database import Database
from shopify_sync.store.local import DatabaseLocal

# What Shopify tells about a shop is asked again after this long.
SHOP_FACTS_LAST = timedelta(hours=24)
# During long waits the lease is renewed this often; it lasts several times as long.
BEAT_EVERY_S = 30.0


class NoProgress:
    """Nobody watches."""

    def start(self, label: str, total: int | None) -> None: ...

    def advance(self, done: int, *, points: int = 0) -> None: ...

    def waiting(self, seconds: float, reason: str) -> None: ...

    def finish(self) -> None: ...


@contextmanager
def open_app(
    settings: Settings,
    *,
    progress: Progress | None = None,
    trigger: str = "cli",
    clock: Clock | None = None,
) -> Iterator[App]:
    """The program for one shop and one database. An empty database is brought up; an old one is refused.

    Raises DatabaseError (exit 7). Shopify is first asked when something needs it.
    """
    database = Database(settings.database_url)
    try:
        migrate.require(database)
        app = App(settings, database, clock or SystemClock(), progress or NoProgress(), trigger)
        try:
            yield app
        finally:
            app.close()
    finally:
        database.dispose()


@dataclass
class App:
    """What the commands and the server call."""

    settings: Settings
    database: Database
    clock: Clock
    progress: Progress
    trigger: str = "cli"
    _lease: leases.Lease | None = field(default=None, init=False)
    _beaten_at: float = field(default=0.0, init=False)

    @cached_property
    def domain(self) -> str:
        """Which shop's records these are. Credentials are only asked for when Shopify is."""
        return self.settings.shop.domain or self.settings.require_shop().domain

    @cached_property
    def shop(self) -> dict[str, Any]:
        """The shop's row."""
        return shops.get_or_create(self.database, self.domain, self.clock)

    @cached_property
    def breaker(self) -> Breaker:
        chosen = self.settings.breaker
        return Breaker(
            DatabaseBreakerStore(self.database, self.domain),
            self.clock,
            holder=leases.this_process(),
            threshold=chosen.threshold,
            timeout_s=chosen.timeout_s,
        )

    @cached_property
    def client(self) -> Client:
        shop, chosen = self.settings.require_shop(), self.settings
        return build_client(
            domain=shop.domain,
            api_url=shop.api_url,
            api_version=shop.api_version,
            token=shop.access_token.reveal() if shop.access_token else None,
            client_id=shop.client_id,
            client_secret=shop.client_secret.reveal() if shop.client_secret else None,
            breaker=self.breaker,
            clock=self.clock,
            requests_per_s=chosen.limiter.requests_per_s,
            burst=chosen.limiter.burst,
            reserve_points=chosen.limiter.reserve_points,
            retries=chosen.retry.retries,
            base_s=chosen.retry.base_s,
            cap_s=chosen.retry.cap_s,
            deadline_s=chosen.retry.deadline_s,
            timeout_s=chosen.http.timeout_s,
            connect_timeout_s=chosen.http.connect_timeout_s,
            on_wait=self._waiting,
        )

    def close(self) -> None:
        """Give connections back; a client that was never needed is not made for it."""
        if "client" in self.__dict__:
            self.client.close()

    # runs

    def pull(
        self,
        name: str,
        *,
        full: bool = False,
        since: datetime | None = None,
        limit: int | None = None,
        method: str = "auto",
        dry_run: bool = False,
    ) -> RunResult:
        """Bring Shopify's changes here. `method` has one way in this release: pages."""
        self._known_method(method, ("auto", "paged"))
        options = PullOptions(
            full=full, since=since, limit=limit, overlap_s=self.settings.sync.overlap_s, dry_run=dry_run
        )

        def work(declared: Entity, local: DatabaseLocal, result: RunResult) -> None:
            self.facts()
            remote = ShopifyRemote(self.client, declared, self.clock)
            Pull(declared, remote, local, result, options, self.progress).run()

        return self._run(name, "pull", work, dry_run=dry_run)

    def push(
        self,
        name: str,
        *,
        limit: int | None = None,
        method: str = "auto",
        dry_run: bool = False,
        only: Sequence[int] | None = None,
        again: bool = False,
    ) -> RunResult:
        """Bring changes made here to Shopify. `only` restricts to local ids, `again` retries refused ones."""
        self._known_method(method, ("auto", "single"))
        options = PushOptions(limit=limit, dry_run=dry_run, only=only, again=again)

        def work(declared: Entity, local: DatabaseLocal, result: RunResult) -> None:
            remote = ShopifyRemote(self.client, declared, self.clock)
            facts = self.facts() if local.dirty(0, 1) else ShopFacts()
            Push(declared, remote, local, result, options, self.progress, self.clock, facts).run()
            self._tell_deletions(local, result)

        return self._run(name, "push", work, dry_run=dry_run)

    def sync(self, names: Sequence[str] = (), *, full: bool = False, dry_run: bool = False) -> list[RunResult]:
        """Pull, then push, entity by entity. What Shopify refuses of one does not stop the others."""
        results: list[RunResult] = []
        for name in names or NAMES:
            results.append(self.pull(name, full=full, dry_run=dry_run))
            if results[-1].status in ("succeeded", "partial"):
                results.append(self.push(name, dry_run=dry_run))
        return results

    def retry(self, run_id: int | None = None) -> list[RunResult]:
        """Send again what Shopify refused, of one run or of all."""
        with self.database.read() as conn:
            waiting = runs.refused(conn, self.shop["id"], run_id)
        return [self.push(name, only=ids, again=True) for name, ids in sorted(waiting.items())]

    def history_prune(self, older_than: timedelta) -> int:
        """Forget runs that ended longer ago; how many. Those whose refusals still stand are kept."""
        with self.database.transaction() as conn:
            return runs.prune(conn, self.shop["id"], self.clock.now() - older_than)

    def breaker_reset(self) -> None:
        self.breaker.store.reset()

    def breaker_trip(self, reason: str) -> None:
        self.breaker.store.trip(self.clock.now(), reason)

    def import_records(
        self, name: str, items: Iterable[Parsed | Problem], *, dry_run: bool = False, file: str = ""
    ) -> importing.ImportResult:
        """Write a file's records as local edits; the next push takes them to Shopify."""
        result = importing.ImportResult(file, dry_run=dry_run)
        importing.write(self.database, entity(name), self.shop["id"], items, result, self.progress)
        return result

    # the shop

    def doctor(self) -> list[checks.Check]:
        """Look at everything that a sync needs; what can't be looked at is told as such."""
        found = [checks.of_configuration(self.settings), *checks.of_database(self.database)]
        if any(check.status == "fail" for check in found):
            return found
        try:
            info = self.ask_shop()
        except SyncError as error:
            found.append(checks.Check("shopify", "fail", error.what, error.next))
        else:
            asked = self.settings.require_shop().api_version
            found += checks.of_shop(info, self.clock, asked, self.domain)
        state = self.breaker.store.load()
        status, following = ("ok", "") if state.state == "closed" else ("warn", "wait, or `breaker reset`")
        found.append(checks.Check("breaker", status, f"{state.state}, {state.failures} failures", following))
        return found

    def facts(self) -> ShopFacts:
        """What a push needs to know of the shop; asked once a day."""
        probed_at = self.shop["probed_at"]
        if probed_at is None or self.clock.now() - probed_at > SHOP_FACTS_LAST:
            self.ask_shop()
        return ShopFacts(publication_id=self.shop["publication_id"])

    def ask_shop(self) -> ShopInfo:
        """Ask Shopify who it is, and keep the answer."""
        info = ask(self.client)
        kept = {
            "name": info.name,
            "currency": info.currency,
            "plan": info.plan,
            "timezone": info.timezone,
            "api_version": info.served_version,
            "scopes": list(info.scopes),
            "publication_id": online_store(self.client) if "write_publications" in info.scopes else None,
        }
        now = self.clock.now()
        shops.update(self.database, self.shop["id"], now, **kept)
        self.shop.update(kept, probed_at=now)
        return info

    # inside

    def _run(
        self,
        name: str,
        direction: str,
        work: Callable[[Entity, DatabaseLocal, RunResult], None],
        *,
        dry_run: bool,
    ) -> RunResult:
        """One run from its lease to its row in `sync_status`. What stops it is told in the result, not raised,
        but for Ctrl-C and for errors nobody foresaw."""
        try:
            declared = entity(name)
        except KeyError:
            raise UsageError(f"there is no entity {name!r}", next=f"choose one of: {', '.join(NAMES)}") from None
        result = RunResult(name, direction, started_at=self.clock.now())
        before = _copy(self.client.use)
        lease = None
        if not dry_run:  # which writes nothing, not even that it runs
            try:
                lease = leases.acquire(self.database, f"{self.shop['id']}:{name}:{direction}", self.clock)
            except LeaseHeld as error:
                return self._ended(result, "skipped", error)
        self._lease, self._beaten_at = lease, self.clock.monotonic()
        try:
            local = self._begin(declared, direction, lease, result)
            try:
                work(declared, local, result)
                self._judge(result)
            except CircuitOpen as error:
                self._ended(result, "deferred", error)
            except SyncError as error:
                self._ended(result, "failed", error)
            except KeyboardInterrupt:
                self._ended(result, "interrupted", Interrupted("stopped by the user", next="run it again to go on"))
                raise
            except BaseException as error:
                self._ended(result, "failed", SyncError(f"{type(error).__name__} stopped the run"))
                raise
            finally:
                result.api = _since(before, self.client.use)
                self._finish(result)
        finally:
            self._lease = None
            if lease is not None:
                with suppress(SyncError):
                    lease.release()
        return result

    def _begin(self, declared: Entity, direction: str, lease: leases.Lease | None, result: RunResult) -> DatabaseLocal:
        now = self.clock.now()
        if lease is not None:
            with self.database.transaction() as conn:
                runs.interrupt_others(conn, self.shop["id"], declared.name, direction, now)
                result.run_id = runs.start(
                    conn,
                    self.shop["id"],
                    declared.name,
                    direction,
                    trigger=self.trigger,
                    holder=lease.holder,
                    now=now,
                )
        return DatabaseLocal(
            self.database,
            declared,
            self.shop["id"],
            direction=direction,
            run_id=result.run_id or 0,
            lease=lease,
            clock=self.clock,
        )

    def _finish(self, result: RunResult) -> None:
        result.finished_at = self.clock.now()
        if result.run_id is None:
            return
        # The error that stopped the run matters more than one of writing it down.
        with suppress(SyncError), self.database.transaction() as conn:
            runs.finish(conn, result.run_id, result, result.finished_at)

    def _judge(self, result: RunResult) -> None:
        """Green only when nothing failed and nobody waits."""
        if result.counts.failed:
            result.status, result.exit_code = "partial", 3
        elif result.counts.conflicts:
            result.status, result.exit_code = "partial", 4
        else:
            result.status = "succeeded"

    def _ended(self, result: RunResult, status: str, error: SyncError) -> RunResult:
        result.status, result.error, result.exit_code = status, error.as_json(), error.exit_code
        return result

    def _tell_deletions(self, local: DatabaseLocal, result: RunResult) -> None:
        if waiting := local.deletions():
            result.notes.append(
                f"{waiting} {result.entity} deleted here are left alone on Shopify: deletions do not travel yet"
            )

    def _waiting(self, seconds: float, reason: str) -> None:
        """Called before each wait: tell whoever watches, and keep the lease."""
        self.progress.waiting(seconds, reason)
        now = self.clock.monotonic()
        if self._lease is not None and now - self._beaten_at > BEAT_EVERY_S:
            self._beaten_at = now
            self._lease.beat()

    def _known_method(self, method: str, known: tuple[str, ...]) -> None:
        if method not in known:
            raise UsageError(f"the method {method!r} does not exist here", next=f"choose one of: {', '.join(known)}")


def worst(results: Sequence[RunResult]) -> int:
    """The exit code of several runs: what stopped one, then what failed, then what waits."""
    codes = {result.exit_code for result in results}
    order = (130, 1, 2, 7, 5, 6, 8, 9, 3, 4)
    return next((code for code in order if code in codes), 0)


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
