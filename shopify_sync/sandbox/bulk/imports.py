"""Runs a bulk mutation: each line of the staged file is the variables of one execution, in any order.

The result has a line for each, with its zero-based `__lineNumber` (recorded: bulk-operation-run-mutation-created-
status). What Shopify writes for a line that is no JSON object was not recorded: here an entry of `errors`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import graphql
import orjson

from shopify_sync.sandbox.bulk.rules import Inner
from shopify_sync.sandbox.desk import Operation
from shopify_sync.sandbox.execute import execute, internal_error
from shopify_sync.sandbox.limits import list_problem
from shopify_sync.sandbox.plan import Plan, conditional_variables, make_plan
from shopify_sync.sandbox.registry import BEFORE_EACH, Context, TopLevelError
from shopify_sync.sandbox.schema import Coercion, coerce_variables
from shopify_sync.sandbox.state import Shop

BATCH = 20  # executions under one hold of the lock
WINDOW = 200  # lines among which the order is lost
_log = logging.getLogger(__name__)
_NO_OBJECT = {"errors": [{"message": "The line is not a JSON object."}]}


class Import:
    """One mutation, executed many times."""

    def __init__(self, inner: Inner, scopes: frozenset[str], version: str) -> None:
        self._inner = inner
        self._scopes = scopes
        self._version = version
        parts: list[Any] = [inner.operation, *inner.fragments.values()]
        self._conditions = sorted(conditional_variables(graphql.DocumentNode(definitions=tuple(parts))))
        self._plans: dict[tuple[Any, ...], Plan] = {}

    def answer(self, line: bytes, shop: Shop) -> dict[str, Any]:
        """Execute the mutation with the variables of one line. The caller holds the store's lock."""
        try:
            given = orjson.loads(line)
        except ValueError:
            given = None
        if not isinstance(given, dict):
            return dict(_NO_OBJECT)
        variables, problems = coerce_variables(self._inner.operation, given)
        if problems:
            return {"errors": problems}
        plan = self._plan(variables)
        root = plan.fields[0]
        in_full = root.name == "productSet"  # Shopify's schema: always synchronous in bulk
        if in_full:
            root.fixed = None
        try:
            too_long = list_problem(root, variables)
            if too_long is not None:
                return {"errors": [too_long]}
            if in_full:
                root.fixed = {**root.arguments(variables), "synchronous": True}
        except Coercion as refusal:
            return {"errors": [{"message": refusal.explanation}]}
        ctx = Context(
            shop=shop,
            scopes=self._scopes,
            variables=variables,
            api_version=self._version,
            mutating=True,
            first_new_media=shop.peek_id("Media"),
        )
        try:
            data, errors = execute(plan, ctx, variables)
        except TopLevelError as error:
            return {"errors": [{"message": error.message, "extensions": error.extensions}]}
        except Exception:
            _log.exception("the sandbox failed on a line of a bulk mutation")
            failure = internal_error()
            return {"errors": [{"message": failure.message, "extensions": failure.extensions}]}
        return {"data": data, "errors": errors} if errors else {"data": data}

    def _plan(self, variables: dict[str, Any]) -> Plan:
        key = tuple(variables.get(name) for name in self._conditions)
        found = self._plans.get(key)
        if found is None:
            found = self._plans[key] = make_plan(self._inner.operation, self._inner.fragments, variables)
        return found


def run_import(work: Import, shop: Shop, operation: Operation, source: Path, until: float) -> None:
    """Execute the lines of `source`, `until` this share of them, and write the result."""
    total = _count(source)
    wanted = int(total * until)
    with source.open("rb") as file, operation.path.open("wb") as result:
        lines = islice(_shuffled(file, operation.seed), wanted)
        done = 0
        while operation.pace(done / total, shop.now):
            batch = list(islice(lines, BATCH))
            if not batch:
                break
            written: list[bytes] = []
            with shop.lock:
                for settle in BEFORE_EACH:
                    settle(shop)
                for number, line in batch:
                    entry = {**work.answer(line, shop), "__lineNumber": number}
                    written.append(orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE))
                    operation.objects += 1
                    operation.roots += 1
                shop.flush()
            result.write(b"".join(written).replace(b"/", b"\\/"))
            done += len(batch)


def _count(source: Path) -> int:
    """Lines that hold something: at least one."""
    with source.open("rb") as file:
        return max(1, sum(1 for line in file if line.strip()))


def _shuffled(file: Iterator[bytes], seed: int) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers, out of order within a window of fixed size; empty ones are left out."""
    order = random.Random(seed)  # noqa: S311  # a repeatable order, no secret
    window: list[tuple[int, bytes]] = []
    for number, line in enumerate(file):
        if not line.strip():
            continue
        if len(window) < WINDOW:
            window.append((number, line))
            continue
        place = order.randrange(WINDOW)
        yield window[place]
        window[place] = (number, line)
    order.shuffle(window)
    yield from window
