"""A plan for people: each record with its fields, from and to, and what it would cost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from shopify_sync.cli._output import console, print_block, print_json, say

if TYPE_CHECKING:
    from shopify_sync.app.planning import Plan
    from shopify_sync.cli._options import Options
    from shopify_sync.records import Action

_SIGNS = {
    "create": ("+", "green"),
    "update": ("~", "yellow"),
    "link": ("=", "cyan"),
    "restore": ("+", "green"),
    "archive": ("-", "red"),
    "delete": ("-", "red"),
    "conflict": ("!", "magenta"),
    "refuse": ("x", "red"),
}
_TITLES = {
    "pull": "here, from Shopify",
    "push": "on Shopify, from here",
    "conflict": "in dispute: waits for you, nothing is overwritten",
    "refuse": "can't be sent as they are",
}
_LONGEST = 60


def show_plan(
    plan: Plan, options: Options, *, limit: int = 50, saved: str = "", following: str = "", nothing: str = ""
) -> None:
    """The plan as one JSON document, or for people; `following` is the command that does it."""
    if options.json:
        print_json(plan.as_json())
        return
    for run in plan.runs:
        if run.error:
            print_block(run.error)
    if plan.exit_code:
        return
    if not options.quiet:
        print_plan(plan.actions, limit=limit)
    totals, cost = plan.totals(), plan.cost()
    waits = [note for run in plan.runs for note in run.notes]
    for note in dict.fromkeys(waits):
        say(f"  note: {note}")
    if not plan.actions:
        say(nothing or "nothing to do: both sides agree" + (" but for what waits" if waits else ""))
        return
    say(
        f"plan: {_count(totals['database'], 'change')} here, {_count(totals['shopify'], 'change')} on Shopify, "
        f"{_count(totals['conflicts'], 'conflict')}"
        + (f", {totals['refused']:,} that can't be sent" if totals["refused"] else "")
    )
    say(f"cost: about {cost['requests']:,} requests, {cost['points']:,} points, {cost['seconds']:,} s")
    if saved:
        say(f"saved; next: `shopify-sync apply {saved}` does exactly this")
    elif plan.changes:
        does = following or "`shopify-sync sync` does it, `plan -o FILE` saves it for `apply`"
        say(f"nothing was written; next: {does}")
    elif totals["conflicts"]:
        say("next: `shopify-sync conflicts list`")
    else:
        say("next: put these right in the database")


def print_plan(actions: Sequence[Action], *, limit: int, title: str = "") -> None:
    """Records by direction, with what changes in each."""
    from rich.text import Text

    out = console()
    left = limit
    for direction in ("pull", "push", "conflict", "refuse"):
        found = [action for action in actions if action.direction == direction]
        if not found:
            continue
        out.print(Text(title or f"{_TITLES[direction]} ({len(found):,})", style="bold"))
        for action in found[:left]:
            _print_action(out, action)
        if len(found) > left:
            out.print(Text(f"  … and {len(found) - left:,} more; --limit or --json shows them", style="dim"))
        left = max(3, left - len(found))
        out.print()


def _print_action(out: Any, action: Action) -> None:
    from rich.text import Text

    sign, colour = _SIGNS.get(action.kind, ("~", "yellow"))
    head = Text.assemble((f"  {sign} ", colour), (action.key or f"local id {action.local_id}", "bold"))
    if action.kind not in ("update", "conflict", "refuse"):
        head.append(f"  {action.kind}", colour)
    if action.reason:
        head.append(f"  ({action.reason})", "dim")
    out.print(head, soft_wrap=True)
    if action.kind == "create":
        told = ", ".join(f"{line.path} {_short(line.after)}" for line in action.lines[:4])
        out.print(Text(f"      {told}" + (" …" if len(action.lines) > 4 else ""), style="dim"), soft_wrap=True)
        return
    width = max((len(line.path) for line in action.lines), default=0)
    for line in action.lines[:12]:
        row = Text(f"      {line.path.ljust(min(width, 32))}  ")
        if action.kind == "refuse":
            row.append(str(line.after), "red")
        elif action.kind == "conflict":
            row.append(f"here {_short(line.before)}  shopify {_short(line.after)}", "magenta")
        else:
            row.append(_short(line.before), "red")
            row.append(" → ")
            row.append(_short(line.after), "green")
        out.print(row, soft_wrap=True)
    if len(action.lines) > 12:
        out.print(Text(f"      … and {len(action.lines) - 12} more fields", style="dim"))


def _short(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, dict):
        value = {name: item for name, item in value.items() if item not in (None, "", [], {})}
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else f'"{value}"'
    return text if len(text) <= _LONGEST else text[: _LONGEST - 2] + '…"'


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" + ("" if number == 1 else "s")
