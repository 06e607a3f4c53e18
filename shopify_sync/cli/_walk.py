"""`conflicts resolve --interactive`: one open conflict after the other, each decision kept at once."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from shopify_sync.cli._card import mergeable, print_conflict, print_next
from shopify_sync.cli._output import say
from shopify_sync.cli._values import screen
from shopify_sync.errors import UsageError

Row = dict[str, Any]
_TAKES = {"l": "local", "s": "shopify"}


def walk(rows: Sequence[Row], queue: Callable[[Row, str, str | None], None]) -> int:
    """Ask about each; how many were decided. The end of standard input means `q`.

    `queue(row, take, value)` keeps one decision and raises UsageError where it can't.
    """
    done = 0
    for at, row in enumerate(rows, 1):
        print_conflict(screen(), row)
        if row["policy"] == "ambiguous":
            print_next(screen(), row)
            continue
        while True:
            choices = (
                "[l]ocal  [s]hopify  [e]dit  s[k]ip  [q]uit" if mergeable(row) else "[l]ocal  [s]hopify  s[k]ip  [q]uit"
            )
            answer = _ask(f"{at}/{len(rows)}  {choices}: ")
            answer = "q" if answer is None else answer.strip().lower()[:1]
            if answer == "q":
                return done
            if answer == "k":
                break
            if answer not in "lse" or not answer:
                say("answer with one of these letters")
                continue
            try:
                value = _edited(row) if answer == "e" else None
                if answer == "e" and value is None:
                    say("nothing was changed, so nothing is decided")
                    continue
                queue(row, _TAKES.get(answer, "merged"), value)
            except UsageError as error:
                say(f"{error.what}{': ' + error.why if error.why else ''}")
                if error.code == "usage" and answer == "e":
                    continue
                say("left as it is")
                break
            done += 1
            break
    return done


def _ask(prompt: str) -> str | None:
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not sys.stdin.isatty():  # what a person types ends the line; a pipe does not show
        sys.stdout.write("\n")
    return line.rstrip("\n") if line else None


def _edited(row: Row) -> str | None:
    """The value that somebody makes of both sides, in $EDITOR or typed; None where nothing came."""
    if not mergeable(row):
        raise UsageError("this is no single field, so there is no value to merge", code="no-field")
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if editor and sys.stdin.isatty():
        return _in_editor(editor, row)
    kind = "text" if all(isinstance(row[side], str | None) for side in ("local", "remote")) else "JSON"
    return _ask(f"value ({kind}): ") or None


def _in_editor(editor: str, row: Row) -> str | None:
    """The value as it is here, to be changed and saved. An unchanged file decides nothing."""
    value = row["local"] if row["local"] is not None else row["remote"]
    plain = value is None or isinstance(value, str)
    before = (value or "") if plain else json.dumps(value, ensure_ascii=False, indent=2)
    suffix = ".json" if not plain else ".html" if "</" in before else ".txt"
    with tempfile.TemporaryDirectory(prefix="shopify-sync-") as folder:
        path = Path(folder) / f"value{suffix}"
        path.write_text(before, encoding="utf-8", newline="")
        try:
            done = subprocess.run([*shlex.split(editor), str(path)], check=False)  # noqa: S603 - the user's own editor
        except OSError:
            raise UsageError(f"the editor {editor!r} can't be started", next="set EDITOR") from None
        if done.returncode != 0:
            return None
        with path.open(encoding="utf-8", newline="") as file:
            after = file.read()
    if after.endswith("\n") and not before.endswith("\n"):  # editors end a file so
        after = after.removesuffix("\n").removesuffix("\r")
    return None if after == before else after
