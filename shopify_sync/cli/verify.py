"""`verify`: the proof that both sides are equal, or the records and fields in which they are not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from shopify_sync.cli._options import ALLOW_CHANGES, ALLOW_DELETES, make_app, options_of
from shopify_sync.cli._output import print_block, print_json, say
from shopify_sync.cli._values import brief, safe, screen

if TYPE_CHECKING:
    from rich.console import Console

    from shopify_sync.app.verifying import Verified
    from shopify_sync.records import Proof, Unequal

verify_app = make_app(no_args_is_help=False)

_TITLES = {
    "missing": "missing: on Shopify, not here",
    "extra": "extra: here, not on Shopify",
    "different": "different",
}
_SIGNS = {"missing": ("-", "red"), "extra": ("+", "green"), "different": ("~", "yellow")}
_WHY = {
    "missing": {
        "changed_on_shopify": "new on Shopify since the last pull",
        "waits_for_push": "deleted here; the next push tells Shopify",
        "in_dispute": "deleted here, edited on Shopify",
        "ambiguous": "several rows here are this one",
    },
    "extra": {
        "changed_on_shopify": "deleted on Shopify since the last pull",
        "waits_for_push": "new here; the next push creates it",
        "in_dispute": "edited here, deleted on Shopify",
        "ambiguous": "one of several that are the same on Shopify",
        "refused": "new here; refused, `status` says why",
        "altered_here": "new here, and no trigger marked it",
    },
    "different": {
        "changed_on_shopify": "changed on Shopify since the last pull",
        "changed_on_both": "changed on both sides",
        "waits_for_push": "changed here; waits for push",
        "in_dispute": "in dispute",
        "refused": "changed here; refused, `status` says why",
        "altered_here": "altered here, unseen by any trigger",
        "base_damaged": "what was last agreed on is damaged here",
    },
}
_FIELDS = 12
_WIDEST = 30


@verify_app.command(
    help="Prove that both sides hold the same, and name the records and fields that differ. Writes nothing, but for "
    "its own line in `history`.\n\n"
    "The proof: both sides are counted; ids and times of the last change of all records on Shopify are compared with "
    "what is stored; only what differs is read whole; and each row here is held against what Shopify had when it was "
    "last read. It can't see what Shopify changes without moving a record's time: --deep reads every field of every "
    "record.\n\n"
    "Exit codes: 0 all is equal; 3 something is missing, extra or different; 4 only decisions about conflicts are "
    "missing; 5 access, 6 Shopify away, 7 database, 8 already running, 9 a brake stopped the repair.",
    epilog="Example: shopify-sync verify && echo equal",
)
def verify(
    ctx: typer.Context,
    entities: list[str] = typer.Argument(None, help="Which; all of them when none is named."),
    repair: bool = typer.Option(
        False, "--repair", help="Pull or push just the records that differ; verify them again."
    ),
    deep: bool = typer.Option(False, "--deep", help="Read every field of every record on Shopify."),
    dry_run: bool = typer.Option(False, "--dry-run", help="Write nothing at all, not even a line in `history`."),
    limit: int = typer.Option(20, min=1, help="Show this many records of each kind; --json has all."),
    allow_deletes: bool = ALLOW_DELETES,
    allow_changes: bool = ALLOW_CHANGES,
) -> int:
    from shopify_sync.app import verifying

    options = options_of(ctx)
    with options.open_app(dry_run=dry_run, allow_deletes=allow_deletes, allow_changes=allow_changes) as opened:
        found = verifying.verify(opened, entities or (), repair=repair, deep=deep)
    code = verifying.exit_code(found)
    if options.json:
        print_json({"status": _status(found), "entities": [one.as_json() for one in found]})
        return code
    for one in found:
        _show(one, limit=limit, quiet=options.quiet)
    return code


def _status(found: Sequence[Verified]) -> str:
    statuses = {one.proof.status for one in found}
    return next((word for word in ("unknown", "different", "conflicts") if word in statuses), "equal")


def _show(one: Verified, *, limit: int, quiet: bool) -> None:
    from rich.text import Text

    from shopify_sync.app.verifying import sentence

    proof, out = one.proof, screen()
    for run in (one.run, *one.repairs):
        if run.error:
            print_block(run.error)
    if one.before is not None and not quiet:
        _show_repair(out, one)
    if not proof.whole:
        return
    if not quiet:
        for kind in _TITLES:
            _show_kind(out, proof.of(kind), limit)
    if quiet and proof.status == "equal":
        return
    colour = {"equal": "green", "conflicts": "yellow"}.get(proof.status, "red")
    out.print(Text(sentence(proof), style=colour), soft_wrap=True)
    if quiet:
        return
    for line in (_waiting(proof), _proved(one)):
        if line:
            out.print(Text(line))
    notes = list(proof.notes)
    if proof.damaged:
        notes.append(f"what both sides last agreed on is damaged here ({len(proof.damaged):,}); --repair reads it anew")
    for note in notes:
        out.print(Text(f"note: {note}"))
    if following := _next(one):
        say(f"next: {following}")


def _show_kind(out: Console, items: Sequence[Unequal], limit: int) -> None:
    from rich.text import Text

    if not items:
        return
    out.print(Text(f"{_TITLES[items[0].kind]} ({len(items):,})", style="bold"))
    for item in items[:limit]:
        sign, colour = _SIGNS[item.kind]
        name = safe(item.key) or (f"Shopify id {item.shopify_id}" if item.shopify_id else f"local id {item.local_id}")
        head = Text.assemble((f"  {sign} ", colour), (name, "bold"))
        if item.kind != "different":
            head.append(f"  {_why(item.kind, item.why, item.conflict_id)}", "dim")
        out.print(head, soft_wrap=True)
        _show_fields(out, item)
    if len(items) > limit:
        out.print(Text(f"  … and {len(items) - limit:,} more; --limit or --json shows them"))
    out.print()


def _show_fields(out: Console, item: Unequal) -> None:
    """The fields under the reason that they share."""
    from rich.text import Text

    shown = item.fields[:_FIELDS]
    reasons = dict.fromkeys((line.why, line.conflict_id) for line in shown)
    for why, conflict_id in reasons:
        out.print(Text(f"      {_why('different', why, conflict_id)}", style="dim"))
        for line in shown:
            if (line.why, line.conflict_id) != (why, conflict_id):
                continue
            path = brief(line.path, 60)
            room = max(12, (out.width - 8 - len(path) - len("  here   · shopify ")) // 2)
            if room < _WIDEST and len(path) > 24:  # a long name has a line of its own
                out.print(Text(f"        {path}"))
                path, room = " ", max(12, (out.width - 30) // 2)
            row = Text(f"        {path}  here ")
            row.append(brief(line.here, room, "(null)"), "green")
            row.append(" · shopify ")
            row.append(brief(line.shopify, room, "(null)"), "cyan")
            out.print(row, soft_wrap=True)
    if len(item.fields) > _FIELDS:
        out.print(Text(f"        … and {len(item.fields) - _FIELDS} more fields"))


def _show_repair(out: Console, one: Verified) -> None:
    from rich.text import Text

    if one.before is None:
        return
    before = len({item.local_id for item in one.before.unequal} | set(one.before.damaged))
    before = max(before, len(one.before.unequal))
    after = len(one.proof.unequal)
    if not one.repairs:
        out.print(Text("nothing could be repaired: what differs waits for a decision"))
        return
    done = "; ".join(f"{run.direction} {_counted(run)}" for run in one.repairs)
    records = "record" if before == 1 else "records"
    out.print(Text(f"repaired {max(0, before - after):,} of {before:,} {records}: {done}"))
    for run in one.repairs:
        for error in run.errors[:5]:
            where = f" · {error.field_path}" if error.field_path else ""
            out.print(Text(f"  {error.record_key}{where}: {safe(error.message)}"))
        for note in run.notes:
            out.print(Text(f"  note: {note}"))
    out.print()


def _counted(run: Any) -> str:
    names = {"created": "new", "updated": "updated", "deleted": "deleted", "failed": "failed"}
    return ", ".join(f"{n:,} {word}" for name, word in names.items() if (n := getattr(run.counts, name))) or "nothing"


def _why(kind: str, why: str, conflict_id: int | None) -> str:
    return _WHY[kind].get(why, why) + (f" (conflict {conflict_id})" if conflict_id is not None else "")


def _waiting(proof: Proof) -> str:
    words = {
        "changed": "changed here",
        "new": "new here",
        "deleted": "deleted here",
        "refused": "refused by Shopify",
        "conflicts": "in conflict",
    }
    told = [f"{number:,} {words[name]}" for name, number in proof.waiting.items() if number]
    return f"waiting: {', '.join(told)}" if told else ""


def _proved(one: Verified) -> str:
    proof, api = one.proof, one.run.api
    parts = ["every field compared" if proof.deep else "ids, times and rows compared"]
    if proof.read and not proof.deep:
        parts.append(f"{proof.read:,} read whole")
    if proof.left:
        parts.append(f"{proof.left:,} deleted here, left there on purpose")
    return f"proof: {', '.join(parts)}; {api.requests:,} requests, {api.points:,} points"


def _next(one: Verified) -> str:
    proof = one.proof
    whys = {why for item in proof.unequal for why in item.whys}
    if proof.status == "conflicts":
        return "`shopify-sync conflicts list`"
    if proof.status == "different" and whys <= {"refused", "in_dispute"}:
        return "`shopify-sync history --status partial` shows what was refused; then `shopify-sync retry`"
    if proof.status == "different" and one.before is not None:
        return "`shopify-sync plan` shows what a sync would do about the rest"
    if proof.status == "different" and proof.here == 0:
        return "`shopify-sync sync` fills the database"
    if proof.status == "different":
        return "`shopify-sync verify --repair` pulls and pushes just these"
    return ""
