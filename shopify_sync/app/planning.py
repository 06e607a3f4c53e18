"""What a sync would do, as a document; and doing exactly that, or refusing what has moved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from shopify_sync.app.running import declaration, worst
from shopify_sync.entities import NAMES
from shopify_sync.errors import UsageError
from shopify_sync.records import Action, Applying, Checking, PlanLine, Planning, RunResult
from shopify_sync.shopify.cost import estimate

if TYPE_CHECKING:
    from shopify_sync.app.core import App

VERSION = 1


@dataclass
class Plan:
    """`actions` in the order in which they would happen. `reading` is what looking cost, which a sync spends as
    well; `runs` tell what stopped the look, if anything did."""

    domain: str
    entities: list[str]
    made_at: datetime | None
    actions: list[Action] = field(default_factory=list)
    runs: list[RunResult] = field(default_factory=list)
    restore_rate: float = 100.0

    @property
    def changes(self) -> list[Action]:
        """What would be written; conflicts and what can't be sent only wait."""
        return [action for action in self.actions if action.writes]

    @property
    def exit_code(self) -> int:
        """Only what kept the plan from being made counts; that something waits is what a plan is there to tell."""
        code = worst(self.runs)
        return 0 if code in (3, 4) else code

    def totals(self) -> dict[str, int]:
        counted = {"database": 0, "shopify": 0, "conflicts": 0, "refused": 0}
        sides = {"pull": "database", "push": "shopify", "conflict": "conflicts", "refuse": "refused"}
        for action in self.actions:
            counted[sides[action.direction]] += 1
        return counted

    def cost(self) -> dict[str, Any]:
        """What a sync will spend: reading as the plan did, writing by Shopify's rules, and reading it back."""
        writes = [action for action in self.actions if action.requests]
        requests = sum(run.api.requests for run in self.runs) + sum(action.requests for action in writes)
        points = sum(run.api.points for run in self.runs) + sum(action.points for action in writes)
        return {"requests": requests, "points": points, "seconds": round(points / max(self.restore_rate, 1.0), 1)}

    def as_json(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "shop": self.domain,
            "entities": self.entities,
            "made_at": self.made_at.isoformat(timespec="seconds").replace("+00:00", "Z") if self.made_at else None,
            "actions": [action.as_json() for action in self.actions],
            "totals": self.totals(),
            "cost": self.cost(),
            "runs": [run.as_json() for run in self.runs],
        }


@dataclass
class Applied:
    """What became of a plan. `refused` are actions whose record is no longer as the plan saw it."""

    runs: list[RunResult] = field(default_factory=list)
    done: int = 0
    refused: list[Action] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        code = worst(self.runs)
        return 9 if self.refused and code in (0, 3, 4) else code

    def as_json(self) -> dict[str, Any]:
        status = "refused" if self.refused else ("succeeded" if self.exit_code == 0 else "partial")
        return {
            "status": status,
            "done": self.done,
            "refused": [action.as_json() for action in self.refused],
            "runs": [run.as_json() for run in self.runs],
        }


def sync_plan(app: App, names: Sequence[str] = (), *, full: bool = False) -> Plan:
    """What `sync` would do. The app has to be opened with `dry_run`."""
    gate = Planning(price)
    runs = app.sync(names, full=full, gate=gate)
    return _plan(app, list(names) or list(NAMES), gate, runs)


def pull_plan(app: App, name: str, **options: Any) -> Plan:
    """What `pull` would do."""
    gate = Planning(price)
    return _plan(app, [name], gate, [app.pull(name, gate=gate, **options)])


def push_plan(app: App, name: str, **options: Any) -> Plan:
    """What `push` would do."""
    gate = Planning(price)
    return _plan(app, [name], gate, [app.push(name, gate=gate, **options)])


def retry_plan(app: App, run_id: int | None) -> Plan:
    """What `retry` would send."""
    gate = Planning(price)
    runs = app.retry(run_id, gate=gate)
    return _plan(app, [run.entity for run in runs], gate, runs)


def _plan(app: App, names: list[str], gate: Planning, runs: list[RunResult]) -> Plan:
    return Plan(app.domain, names, app.clock.now(), gate.actions, runs, app.client.restore_rate)


def price(operation: Any) -> int:
    """Points of a write, by Shopify's published formula."""
    return estimate(operation.document, operation.variables)


def saved(path: Path, domain: str) -> Plan:
    """A plan from its file. Raises UsageError for a file that is none, or one of another shop."""
    try:
        document = orjson.loads(path.read_bytes())
        if document["version"] != VERSION:
            raise UsageError(
                f"{path} was made by another version of shopify-sync", next="make it again: `shopify-sync plan -o FILE`"
            )
        plan = Plan(document["shop"], document["entities"], None, [_action(item) for item in document["actions"]])
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path} is no plan", next="`shopify-sync plan -o FILE` makes one") from None
    if plan.domain != domain:
        raise UsageError(f"{path} is a plan for {plan.domain}, not for {domain}", next="choose the shop with --shop")
    return plan


def _action(item: dict[str, Any]) -> Action:
    made = Action(
        item["direction"],
        item["kind"],
        item["entity"],
        item["record"],
        item["local_id"],
        item["shopify_id"],
        tuple(PlanLine(line["field"], line["from"], line["to"], line["reason"]) for line in item["changes"]),
        item["reason"],
        item["requests"],
        item["points"],
    )
    if made.fingerprint != item["fingerprint"]:
        raise ValueError("the plan was edited")
    return made


def apply(app: App, plan: Plan) -> Applied:
    """Carry out a plan record by record, each only where it would still do the same; in a dry run, only tell."""
    applied = Applied()
    for name in plan.entities:
        declaration(name)
        wanted = [action for action in plan.changes if action.entity == name]
        gate = (Checking if app.dry_run else Applying)({action.fingerprint: action for action in wanted})
        pulls = [a.shopify_id for a in wanted if a.run == "pull" and a.shopify_id is not None]
        buried = [a.shopify_id for a in wanted if a.run == "push" and a.kind in ("archive", "delete")]
        pushes = [a.local_id for a in wanted if a.run == "push" and a.kind not in ("archive", "delete")]
        if pulls:
            applied.runs.append(app.pull(name, only=list(dict.fromkeys(pulls)), gate=gate))
            app.runner.group = app.runner.group or applied.runs[-1].run_id
        if (pushes or buried) and _going_on(applied.runs):
            ids = [local_id for local_id in pushes if local_id is not None]
            tombs = [number for number in buried if number is not None]
            applied.runs.append(app.push(name, only=ids, tombs=tombs, gate=gate))
        applied.done += len(gate.done)
        applied.refused += gate.refused
    app.runner.group = None
    return applied


def _going_on(runs: Sequence[RunResult]) -> bool:
    return all(run.status in ("succeeded", "partial") for run in runs)
