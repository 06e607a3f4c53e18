"""The rows of the suite, by the name that `--rows` takes. Each function measures and adds to the report.

`sized` ones run once for each size. A row that this version of the program can't do yet is left out, and the report
says so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.rows import auto, engine, pace, plain, postgres, pulling, pushing, reading, simulated, startup


@dataclass(frozen=True)
class Group:
    """`by_default`: runs when no rows are chosen."""

    brief: str
    run: Callable[[Bench, int], None]
    sized: bool = True
    by_default: bool = True


GROUPS = {
    "pull-paged": Group("first pull by pages, into SQLite", pulling.paged),
    "pull-bulk": Group("first pull by bulk operations, into SQLite", pulling.bulk),
    "plain-bulk": Group("the plainest bulk script, beside pull-bulk", plain.script),
    "postgres": Group("first pulls into Postgres", postgres.pulls),
    "memory": Group("pulls without HTTP: first, first without journal, nothing changed", engine.pulls),
    "merge": Group("a full pull with 5 % changed on either side, without HTTP", engine.merge),
    "no-op": Group("sync, nothing to do", reading.nothing),
    "verify": Group("verify: equal, with differences, --deep", reading.verify),
    "push-single": Group("push of every tenth product, one by one", pushing.single),
    "push-bulk": Group("push of every tenth product by bulk operations", pushing.bulk),
    "limits": Group("paged pulls at the pace of a Standard shop", pace.standard, sized=False, by_default=False),
    "auto": Group("what --method auto chooses, by the number of changes", auto.choices, sized=False, by_default=False),
    "startup": Group("start-up of short commands", startup.commands, sized=False),
    "sandbox": Group("the sandbox's own speed", simulated.sandbox, sized=False),
}
