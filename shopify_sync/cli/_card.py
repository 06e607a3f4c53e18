"""One conflict on the screen: what it is about, its three sides, and what may be done with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shopify_sync.cli._values import SIDES, brief, is_long, readable, safe, side_by_side, word_diff

if TYPE_CHECKING:
    from rich.console import Console

Row = dict[str, Any]
TYPES = {
    "data": "both sides changed it, differently",
    "version": "deleted on one side, changed on the other",
    "timestamp": "it changed on Shopify between our read and our write",
}


def print_conflict(out: Console, row: Row) -> None:
    """What is in dispute, without advice."""
    from rich.text import Text

    subject = f"{row['entity']} {row['record_key'] or row['local_id'] or row['shopify_id']}"
    title = f"conflict {row['id']} · {subject} · {row['field_path'] or 'whole record'}"
    out.print(Text(safe(title), style="bold"))
    what = TYPES.get(row["type"], "the sides differ")
    if row["policy"] == "ambiguous":
        what = "several rows here are the same record on Shopify"
    out.print(Text(f"{row['type']}: {what}; since {row['created_at']}"))
    sides = _narrowed(row)
    side_by_side(out, sides, absent=_absent(row))
    if any(is_long(sides[side]) for _, side in SIDES):
        _print_differences(out, sides)
    if row["decision"] == "merged":
        out.print(Text(f"merged: {brief(row['merged'], 400, '(null)')}"))


def print_next(out: Console, row: Row) -> None:
    """What became of it, and what to do."""
    from rich.text import Text

    number = row["id"]
    if row["policy"] == "ambiguous" and row["status"] == "open":
        from shopify_sync.app.deciding import APART

        lines = [f"next: {APART}"]
    elif row["status"] == "open":
        effects = [f"  {word.ljust(8)}{text}" for word, text in _effects(row)]
        lines = [f"next: `shopify-sync conflicts resolve {number} --take {'|'.join(w for w, _ in _effects(row))}`"]
        lines += effects
    elif row["status"] == "decided":
        lines = [f"decided: {row['decision']}, by {row['decided_by']}, at {row['decided_at']}"]
        lines.append(f"next: `shopify-sync sync` carries it out; `conflicts undo {number}` takes it back")
    else:
        lines = [f"closed: {row['decision']}, by {row['decided_by']}, at {row['decided_at']}"]
        if row["closed_reason"]:
            lines.append(f"reason: {row['closed_reason']}")
        if row["decision"] in ("local", "shopify", "merged"):
            lines.append(f"next: `shopify-sync conflicts undo {number}` puts back the value that lost")
    for line in lines:
        out.print(Text(safe(line)))


def mergeable(row: Row) -> bool:
    """Whether a third value can be given: only a single field has one."""
    path = row["field_path"]
    return path != "" and not path.endswith("]") and not path.endswith(".order") and not _is_list_of_elements(row)


def _effects(row: Row) -> list[tuple[str, str]]:
    """What each choice does, in the order of the prompt."""
    if row["field_path"] and row["field_path"][-1] != "]":
        found = [("local", "what is here goes to Shopify"), ("shopify", "what Shopify has comes here")]
        if mergeable(row):
            found.append(("merged", "what --value says goes to both"))
        return found
    what = "the record" if row["field_path"] == "" else "the element"
    local = f"{what} as it is here goes to Shopify"
    if row["local"] is None:
        local = f"{what} was deleted here: the deletion goes to Shopify"
    shopify = f"{what} comes here as Shopify has it"
    if row["remote"] is None:
        shopify = f"{what} was deleted on Shopify: it is deleted here"
    return [("local", local), ("shopify", shopify)]


def _print_differences(out: Console, sides: Row) -> None:
    from rich.text import Text

    pairs = [("base → here", "base", "local"), ("base → shopify", "base", "remote")]
    if sides["base"] is None:
        pairs = [("here → shopify", "local", "remote")]
    for heading, before, after in pairs:
        out.print(Text(heading, style="bold"))
        if sides[before] == sides[after]:
            out.print(Text("(unchanged)"))
        else:
            out.print(word_diff(_text(sides[before]), _text(sides[after])))
        out.print()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else readable(value)


def _absent(row: Row) -> dict[str, str]:
    """The word for a null on each side."""
    if row["field_path"] and row["field_path"][-1] != "]":
        return {side: "–" if row["field_path"].endswith(".order") else "(null)" for _, side in SIDES}
    gone = "(deleted)" if row["base"] is not None or row["type"] == "version" else "(not there)"
    return {"base": "(not there)", "local": gone, "remote": gone}


def _narrowed(row: Row) -> Row:
    """The three values, without what is empty on every side. Of a whole record that was deleted on one side, only
    what the other side changed."""
    sides = {side: row[side] for _, side in SIDES}
    documents = [value for value in sides.values() if isinstance(value, dict)]
    names = [
        name
        for name in {name: None for value in documents for name in value}
        if any(value.get(name) not in (None, "", [], {}) for value in documents)
    ]
    alive = sides["local"] if sides["remote"] is None else sides["remote"]
    if row["field_path"] == "" and isinstance(sides["base"], dict) and isinstance(alive, dict):
        names = [name for name in names if alive.get(name) != sides["base"].get(name)] or names
    return {
        side: {name: value.get(name) for name in names} if isinstance(value, dict) else value
        for side, value in sides.items()
    }


def _is_list_of_elements(row: Row) -> bool:
    values = [row[side] for _, side in SIDES if isinstance(row[side], list)]
    return any(isinstance(item, dict) for value in values for item in value)
