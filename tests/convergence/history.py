"""One history: steps drawn from a seed, played on a bench, watched by the model, and brought to rest.

A step holds what it needs as numbers and picks its targets from what is there when it is played, so that any step
can be left out of a history and the rest is still one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from shopify_sync.app import App
from shopify_sync.app.core import NoProgress
from shopify_sync.app.deciding import Selection, resolve
from shopify_sync.sandbox.faults import parse_fault
from tests.convergence import views
from tests.convergence.bench import TEMPLATES, Bench, PostgresCursor, SqliteCursor
from tests.convergence.hands_here import Here
from tests.convergence.hands_there import There
from tests.convergence.model import Line, Model
from tests.convergence.runs import Kill, Ran, carry_out, settings_of
from tests.convergence.things import Broken

EDITS = {
    "field": 6, "status": 1, "handle": 2, "publish": 1, "tags": 4, "collection": 2, "metafield": 5, "variant": 6,
    "add_variant": 3, "drop_variant": 2, "rename_option": 2, "add_media": 2, "drop_media": 2, "alt": 2,
    "move_media": 2, "move_variants": 3, "move_options": 2, "insert": 3, "delete": 3, "swap": 2,
}  # fmt: skip
FAULTS = (
    "503=0.3", "502=2x", "500@mutation=0.5", "429:2=0.3", "throttled=0.3", "internal_error=0.3", "partial=0.3",
    "truncate=0.3", "not_json=0.2", "reset_before=0.3", "reset_after=0.3", "reset_after@mutation=once",
    "reset_after@mutation=4x", "reset_before@mutation=4x+1", "truncate@mutation=4x", "partial@mutation=4x",
    "503@FetchProducts=4x+1", "reset_after@SetMetafields=4x", "reset_after@UpdateVariants=4x",
)  # fmt: skip
WAITS = (0, 1, 2, 7, 40, 400)
ROUNDS = 3
KEPT = 3  # products that nobody deletes


@dataclass(frozen=True)
class Step:
    """`here` and `there` edit (`what` is the kind), `twin` makes one product on both sides, `run` syncs, `decide`
    resolves some conflicts, `wait` moves the clock, `reset` closes the breaker."""

    act: str
    what: str = ""
    seed: int = 0
    faults: tuple[str, ...] = ()
    kill: Kill | None = None

    def __str__(self) -> str:
        more = f" faults {' '.join(self.faults)}" if self.faults else ""
        killed = ""
        if self.kill:
            killed = f" killed {'before' if self.kill.before else 'after'} {self.kill.point} {self.kill.at}"
        return f"{self.act} {self.what}{more}{killed}".strip()


@dataclass(frozen=True)
class History:
    """Everything that is played, from one number."""

    seed: int
    template: int
    pulled: bool
    postgres: bool
    steps: tuple[Step, ...]

    @classmethod
    def of(cls, seed: int, *, postgres: bool = True) -> History:
        chosen = random.Random(seed)
        steps = [_step(chosen) for _ in range(chosen.randrange(5, 13))]
        on_postgres = chosen.random() < 0.12
        return cls(seed, chosen.randrange(TEMPLATES), chosen.random() < 0.9, on_postgres and postgres, tuple(steps))

    def without(self, dropped: set[int]) -> History:
        return replace(self, steps=tuple(step for at, step in enumerate(self.steps) if at not in dropped))


def _step(chosen: random.Random) -> Step:
    act = chosen.choices(("here", "there", "twin", "run", "decide", "wait", "reset"), weights=(38, 34, 1, 20, 3, 3, 1))[
        0
    ]
    seed = chosen.randrange(2**32)
    if act in ("here", "there"):
        return Step(act, chosen.choices(list(EDITS), weights=list(EDITS.values()))[0], seed)
    if act == "run":
        what = chosen.choices(("sync", "full", "pull", "push"), weights=(12, 2, 3, 3))[0]
        faults = tuple(chosen.sample(FAULTS, chosen.choice((1, 1, 2)))) if chosen.random() < 0.4 else ()
        kill = None
        if chosen.random() < 0.4:
            kill = Kill(chosen.choice(("commit", "request")), chosen.randrange(1, 16), chosen.random() < 0.5)
        return Step(act, what, seed, faults, kill)
    return Step(act, str(chosen.choice(WAITS)) if act == "wait" else "", seed)


@dataclass
class Player:
    """Plays one history. `tell` hears each step."""

    bench: Bench
    history: History
    tell: Callable[[str], None] = lambda _: None
    model: Model = field(default_factory=Model)

    def play(self) -> None:
        """Raises Broken where a promise was not kept."""
        history = self.history
        with self.bench.world(history.template, pulled=history.pulled, postgres=history.postgres) as database:
            self.database, url = database, database.url.render_as_string(hide_password=False)
            self.url = url.replace("postgresql+psycopg", "postgresql")
            path = Path(str(database.url.database))
            self.cursor = PostgresCursor(self.url) if history.postgres else SqliteCursor(path)
            self.settings = settings_of(self.bench.server.url, self.bench.server.token, self.url)
            try:
                self._play()
            finally:
                self.cursor.close()

    def _play(self) -> None:
        server = self.bench.server
        numbers = sorted(server.shop.table("Product"))
        self.here, self.there = Here(self.cursor, KEPT), There(server, set(numbers[:KEPT]))
        if not self.history.pulled:
            App(self.settings, self.database, self.bench.clock, NoProgress()).shop  # noqa: B018 - makes the shop's row
        self.model.observe_there(views.there(server.shop))
        self.model.observe_here(views.here(self.cursor))
        if self.history.pulled:
            self.model.ran(views.here(self.cursor), views.there(server.shop), [], complete=True)
        for at, step in enumerate(self.history.steps):
            self.tell(f"{at:2}  {step}")
            getattr(self, f"_{step.act}")(step, random.Random(step.seed))
        self._rest()

    # steps

    def _here(self, step: Step, chosen: random.Random) -> None:
        with self.cursor.edit():
            did = self.here.edit(step.what, chosen)
        self.tell(f"      {did}")
        self.model.observe_here(views.here(self.cursor))

    def _there(self, step: Step, chosen: random.Random) -> None:
        self.tell(f"      {self.there.edit(step.what, chosen)}")
        self.model.observe_there(views.there(self.bench.server.shop))

    def _twin(self, step: Step, chosen: random.Random) -> None:
        handle = f"twin-{self.here.next()}"
        with self.cursor.edit():
            self.tell(f"      {self.here.insert(chosen, handle)}")
        self.tell(f"      {self.there.insert(chosen, handle)}")
        self.model.observe_here(views.here(self.cursor))
        self.model.observe_there(views.there(self.bench.server.shop))

    def _wait(self, step: Step, chosen: random.Random) -> None:
        self.bench.clock.advance(int(step.what))

    def _reset(self, step: Step, chosen: random.Random) -> None:
        App(self.settings, self.database, self.bench.clock, NoProgress()).breaker_reset()

    def _decide(self, step: Step, chosen: random.Random) -> None:
        lines = self.cursor.rows(
            "SELECT id, local_id, shopify_id, field_path FROM conflict_log WHERE status = 'open' ORDER BY id"
        )
        for number, row, shopify_id, path in lines:
            if step.what != "all" and chosen.random() < 0.4:
                continue
            take = chosen.choice(("local", "shopify"))
            self.tell(f"      conflict {number} about {path or 'the record'} of row {row}: {take}")
            resolve(self.database, 1, self.bench.clock, Selection([number]), take=take, by="user:test")
            self.model.decide(row, shopify_id, path, take)

    def _run(self, step: Step, chosen: random.Random) -> Ran:
        self.bench.server.faults.replace([parse_fault(rule) for rule in step.faults], step.seed)
        if step.kill is not None:
            ran = self.bench.zygote.run(
                {
                    "now": self.bench.clock.now().isoformat(),
                    "kill": asdict(step.kill),
                    "database_url": self.url,
                    "url": self.bench.server.url,
                    "token": self.bench.server.token,
                    "what": step.what,
                    "seed": step.seed,
                }
            )
            self.bench.clock.advance(ran.waited_s)
        else:
            results = carry_out(self.settings, self.database, self.bench.clock, step.what, step.seed)
            ran = Ran(False, [one.as_json() for one in results])
        self.bench.server.faults.replace([])
        lines = self._lines()
        self.tell(f"      {ran}")
        for line in lines:
            self.tell(
                f"      {line.status} conflict about {line.path or 'the record'} of row {line.row}, {line.number}"
            )
        failed = [e for run in ran.runs for e in run["errors"]]
        through = ran.through and not failed
        self.model.ran(views.here(self.cursor), views.there(self.bench.server.shop), lines, complete=through)
        return ran

    def _lines(self) -> list[Line]:
        return [
            Line(*row)
            for row in self.cursor.rows(
                "SELECT local_id, shopify_id, field_path, status FROM conflict_log WHERE status <> 'closed' ORDER BY id"
            )
        ]

    # rest

    def _rest(self) -> None:
        """Faults stop, conflicts are decided; then both sides are the same and stay so."""
        self.tell("    rest")
        self._reset(Step("reset"), random.Random())
        chosen = random.Random(self.history.seed)
        self.bench.clock.advance(60)
        for turn in range(ROUNDS + 1):
            self.tell("    sync")
            ran = self._run(Step("run", "sync", 1), chosen)
            if not ran.through or any(run["errors"] for run in ran.runs):
                raise Broken(f"a sync that nobody disturbs: {ran}")
            if not any(line.status == "open" for line in self._lines()):
                break
            if turn == ROUNDS:
                raise Broken(f"still open after {ROUNDS} rounds of decisions: {self._lines()}")
            self._decide(Step("decide", "all"), chosen)
        self._settled()
        self._equal()
        before = self._marks()
        self.tell("    sync again")
        ran = self._run(Step("run", "sync", 1), chosen)
        if (after := self._marks()) != before:
            raise Broken(f"a further sync wrote: {_moved(before, after)}; {ran}")
        if self.history.seed % 4:
            return
        self._run(Step("run", "full", 1), chosen)
        if (after := self._marks()) != before:
            raise Broken(f"a further full sync wrote: {_moved(before, after)}")

    def _settled(self) -> None:
        dirty = self.cursor.rows("SELECT id, handle FROM products WHERE dirty")
        tombs = self.cursor.rows("SELECT id, record_key FROM tombstones WHERE handled_at IS NULL")
        if dirty or tombs or self._lines():
            raise Broken(f"left over: dirty {dirty}, deletions {tombs}, conflicts {self._lines()}")

    def _equal(self) -> None:
        """0 missing, 0 extra, 0 different."""
        here, there = views.here(self.cursor), views.there(self.bench.server.shop)
        linked = {side.number: side for side in here.values() if not side.gone}
        buried = {thing.number for thing in self.model.things if thing.local is None and thing.buried}
        missing = [number for number in linked if number not in there]
        extra = [side.handle for number, side in there.items() if number not in linked and number not in buried]
        if missing or extra:
            raise Broken(f"missing on Shopify {missing}, extra on Shopify {extra}")
        for number, side in linked.items():
            if number is not None and (told := views.differences(side, there[number])):
                raise Broken(f"{side.handle} differs: {'; '.join(told[:8])}")

    def _marks(self) -> dict[str, Any]:
        """What moves with every write."""
        found: dict[str, Any] = {"mutations": self.bench.server.stats()["mutations"]}
        found["products"] = self.cursor.rows("SELECT id, sync_rev, local_rev FROM products ORDER BY id")
        for name in ("product_options", "product_variants", "product_media", "metafields", "collections"):
            found[name] = self.cursor.rows(f"SELECT id, sync_rev FROM {name} ORDER BY id")
        found["links"] = self.cursor.rows("SELECT id, sync_rev FROM product_collections ORDER BY id")
        found["conflicts"] = self.cursor.rows("SELECT id, status FROM conflict_log ORDER BY id")
        found["digest"] = self.bench.server.digest()
        return found


def _moved(before: dict[str, Any], after: dict[str, Any]) -> str:
    return ", ".join(f"{name} {before[name]} -> {after[name]}"[:400] for name in before if before[name] != after[name])


def play(bench: Bench, history: History, tell: Callable[[str], None] = lambda _: None) -> str:
    """Play a history; what was broken, or ""."""
    try:
        Player(bench, history, tell).play()
    except Broken as error:
        return f"{error}"
    except Exception as error:  # a crash of the program is a broken promise as well
        import traceback

        tell(traceback.format_exc())
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__}: {error} ({Path(last.filename).name}:{last.lineno})"
    return ""


def shrunk(bench: Bench, history: History, said: str) -> History:
    """The same history with every step left out that is not needed for what was said, or something like it."""
    like = _kind(said)
    size = max(1, len(history.steps) // 2)
    while size:
        at = 0
        while at < len(history.steps):
            smaller = history.without(set(range(at, at + size)))
            if _kind(play(bench, smaller)) == like:
                history = smaller
            else:
                at += size
        size //= 2
    for at, step in enumerate(history.steps):
        for simpler in _simpler(step):
            steps: Sequence[Step] = (*history.steps[:at], simpler, *history.steps[at + 1 :])
            if _kind(play(bench, replace(history, steps=tuple(steps)))) == like:
                history = replace(history, steps=tuple(steps))
                break
    return history


def _simpler(step: Step) -> list[Step]:
    found = [replace(step, kill=None, faults=())] if step.kill or step.faults else []
    if step.kill and step.faults:
        found += [replace(step, faults=()), replace(step, kill=None)]
    return found


def _kind(said: str) -> str:
    """What was said, without names and numbers."""
    told = said.partition("): ")[2] or said
    return "".join(letter for letter in told if letter.isalpha())[:24] if said else ""
