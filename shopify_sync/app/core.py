"""The program: a shop, a database, and the runs between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from shopify_sync.app import dryrun, importing
from shopify_sync.app.running import Runner
from shopify_sync.clock import Clock, SystemClock
from shopify_sync.config import Settings
from shopify_sync.engine.brakes import Brakes
from shopify_sync.engine.chunks import Context
from shopify_sync.engine.pull import Pull, PullOptions
from shopify_sync.engine.push import Push, PushOptions
from shopify_sync.entities import NAMES, entity
from shopify_sync.errors import ConfigError, SyncError, UsageError
from shopify_sync.files import Parsed, Problem
from shopify_sync.records import Gate, Progress, RunResult
from shopify_sync.resilience.breaker import Breaker, BreakerStore, MemoryBreakerStore
from shopify_sync.spec import ShopFacts
from shopify_sync.store import leases, migrate, runs, shops, tombs
from shopify_sync.store.breaker import DatabaseBreakerStore
from shopify_sync.store.database import Database

if TYPE_CHECKING:
    from shopify_sync.app.checks import Check
    from shopify_sync.shopify.client import Client
    from shopify_sync.shopify.shop import ShopInfo

# What Shopify tells about a shop is asked again after this long.
SHOP_FACTS_LAST = timedelta(hours=24)


class Switches(TypedDict, total=False):
    """How one command runs: see `App`."""

    dry_run: bool
    allow_deletes: bool
    allow_changes: bool
    accept_restore: bool
    undelete: bool


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
    **flags: Unpack[Switches],
) -> Iterator[App]:
    """The program for one shop and one database. An empty database is brought up; an old one is refused.

    `flags` are those of `App`. With `dry_run` the database is opened for reading only, and one that is empty is
    left so. Raises DatabaseError (exit 7). Shopify is first asked when something needs it.
    """
    dry_run = flags.get("dry_run", False)
    database = dryrun.opened(settings.database_url) if dry_run else Database(settings.database_url)
    try:
        if not dry_run:
            migrate.require(database)
        app = App(settings, database, clock or SystemClock(), progress or NoProgress(), trigger, **flags)
        try:
            yield app
        finally:
            app.close()
    finally:
        database.dispose()


@dataclass
class App:
    """What the commands and the server call. With `dry_run` nothing is written anywhere; the other flags lift the
    brakes for this command, and `undelete` forgets deletions made here."""

    settings: Settings
    database: Database
    clock: Clock
    progress: Progress
    trigger: str = "cli"
    dry_run: bool = False
    allow_deletes: bool = False
    allow_changes: bool = False
    accept_restore: bool = False
    undelete: bool = False

    @cached_property
    def domain(self) -> str:
        """Which shop's records these are; where none is named, the only one of the database.

        Credentials are only asked for when Shopify is. Raises ConfigError.
        """
        if self.settings.shop.domain:
            return self.settings.shop.domain
        if len(known := shops.domains(self.database)) == 1:
            return known[0]
        raise ConfigError(
            "it is not said which shop is meant",
            problems=["no shop: set SHOPIFY_SHOP_DOMAIN or `shop.domain`"],
            next=f"give one with --shop: {', '.join(known)}" if known else "or give one with --shop",
        )

    @cached_property
    def shop(self) -> dict[str, Any]:
        """The shop's row; in a dry run a stand-in where there is none."""
        if self.dry_run:
            return shops.find(self.database, self.domain) or dict(dryrun.NO_SHOP)
        return shops.get_or_create(self.database, self.domain, self.clock)

    @cached_property
    def breaker(self) -> Breaker:
        chosen = self.settings.breaker
        store: BreakerStore = DatabaseBreakerStore(self.database, self.domain)
        return Breaker(
            MemoryBreakerStore(store.load()) if self.dry_run else store,
            self.clock,
            holder=leases.this_process(),
            threshold=chosen.threshold,
            timeout_s=chosen.timeout_s,
        )

    @cached_property
    def client(self) -> Client:
        from shopify_sync.shopify.client import build_client  # httpx: 60 ms that a command without Shopify can save

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
            on_wait=self.runner.waiting,
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
        only: Sequence[int] | None = None,
        gate: Gate | None = None,
        handled: set[int] | None = None,
        push_follows: bool = False,
    ) -> RunResult:
        """Bring Shopify's changes here. `only` restricts to Shopify ids; `gate` stands before every change."""
        _known_method(method, ("auto", "paged", "bulk"))
        if method == "bulk" and limit is not None:
            raise UsageError("a bulk operation knows no limit", next="leave out --limit, or use --method paged")
        chosen = self.settings.sync
        options = PullOptions(
            full=full or self.undelete,
            method=method,
            since=since,
            limit=limit,
            only=only,
            overlap_s=chosen.overlap_s,
            reconcile_every_s=chosen.reconcile_every_h * 3600,
            dry_run=self.dry_run,
            brakes=self.brakes,
            push_follows=push_follows,
        )

        def work(context: Context) -> None:
            if not self.dry_run:
                self.facts()
                if self.undelete:
                    self._undelete(context)
            Pull(context, options).run()

        return self.runner.run(name, "pull", work, gate=gate, handled=handled, last=not push_follows)

    def push(
        self,
        name: str,
        *,
        limit: int | None = None,
        method: str = "auto",
        only: Sequence[int] | None = None,
        tombs: Sequence[int] = (),
        again: bool = False,
        gate: Gate | None = None,
        handled: set[int] | None = None,
    ) -> RunResult:
        """Bring changes made here to Shopify. `only` restricts to local ids (and to deletions of the Shopify ids
        `tombs`), `again` retries refused ones."""
        _known_method(method, ("auto", "single", "bulk"))
        options = PushOptions(
            method=method, limit=limit, dry_run=self.dry_run, only=only, tombs=tombs, again=again, brakes=self.brakes
        )

        def work(context: Context) -> None:
            if context.local.dirty(0, 1):
                context.facts = self.facts()
            Push(context, options).run()

        return self.runner.run(name, "push", work, gate=gate, handled=handled)

    def sync(self, names: Sequence[str] = (), *, full: bool = False, gate: Gate | None = None) -> list[RunResult]:
        """Pull, then push, entity by entity. What Shopify refuses of one does not stop the others."""
        results: list[RunResult] = []
        for name in names or NAMES:
            handled: set[int] = set()
            results.append(self.pull(name, full=full, gate=gate, handled=handled, push_follows=True))
            self.runner.group = self.runner.group or results[-1].run_id
            if results[-1].status in ("succeeded", "partial"):
                results.append(self.push(name, gate=gate, handled=handled))
        self.runner.group = None
        return results

    @cached_property
    def brakes(self) -> Brakes:
        return Brakes(
            self.settings.sync.max_delete,
            allow_deletes=self.allow_deletes,
            allow_changes=self.allow_changes,
            bringing_back=self.undelete,
        )

    @cached_property
    def runner(self) -> Runner:
        return Runner(self)

    def _undelete(self, context: Context) -> None:
        """Forget what was deleted here, so that this pull brings it back."""
        with self.database.transaction() as conn:
            count = tombs.undelete(conn, self.shop["id"], context.entity.name)
        context.result.notes.append(f"{count} deletions made here were forgotten; the records come back")

    def retry(self, run_id: int | None = None, *, gate: Gate | None = None) -> list[RunResult]:
        """Send again what Shopify refused, of one run or of all."""
        with self.database.read() as conn:
            waiting = runs.refused(conn, self.shop["id"], run_id)
        return [self.push(name, only=ids, again=True, gate=gate) for name, ids in sorted(waiting.items())]

    def history_prune(self, older_than: timedelta) -> int:
        """Forget runs that ended longer ago; how many. Those whose refusals still stand are kept."""
        before = self.clock.now() - older_than
        if self.dry_run:
            with self.database.read() as conn:
                return runs.prunable(conn, self.shop["id"], before)
        with self.database.transaction() as conn:
            return runs.prune(conn, self.shop["id"], before)

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

    def doctor(self) -> list[Check]:
        """Look at everything that a sync needs; what can't be looked at is told as such."""
        from shopify_sync.app import checks

        found = [checks.of_configuration(self.settings), *checks.of_database(self.database)]
        if any(check.status == "fail" for check in found):
            return found
        try:
            info = self.ask_shop()
        except SyncError as error:
            found.append(checks.Check.failed("shopify", error))
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
        from shopify_sync.shopify.shop import ask, online_store

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
        if not self.dry_run:
            shops.update(self.database, self.shop["id"], now, **kept)
        self.shop.update(kept, probed_at=now)
        return info


def _known_method(method: str, known: tuple[str, ...]) -> None:
    if method not in known:
        raise UsageError(f"the method {method!r} does not exist here", next=f"choose one of: {', '.join(known)}")
