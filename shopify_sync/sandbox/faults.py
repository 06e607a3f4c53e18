"""Faults on demand: rules that make chosen requests fail the way networks and Shopify fail.

A rule as text, for the command line: `KIND[:ARGUMENT][@MATCH]=HOW_OFTEN[+SKIP]`

    KIND       a status code (503, 429, 401 ...; ARGUMENT = seconds of Retry-After)
               throttled | internal_error | partial | truncate | not_json
               reset_before | reset_after    connection reset before / after the request was carried out
               latency                       ARGUMENT = milliseconds; adds up with other rules
               bulk_failed | bulk_partial | bulk_timeout | bulk_canceled
                                             a bulk operation ends so after ARGUMENT (a share, 0.5) of its work;
                                             partial and timeout leave a partialDataUrl
               url_expired | cut | bad_line  a download is refused as too late, is reset after ARGUMENT (a share, 0.5)
                                             of its bytes, has a line there that is not JSON
    MATCH      query | mutation | rest | bulk_query | bulk_mutation | upload | download | an operation's name | a root
               field; everything when absent
    HOW_OFTEN  a probability (0.05), a number of times (3x), or `once` = once for each distinct request body
    SKIP       let that many matching requests pass first

Examples: `503=0.05`, `reset_after@mutation=once`, `429:2@ProductsPull=1x+3`, `latency:200=1`.
"""

from __future__ import annotations

import random
import re
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

KINDS = (
    "status",
    "throttled",
    "internal_error",
    "partial",
    "truncate",
    "not_json",
    "reset_before",
    "reset_after",
    "latency",
)
BULK_KINDS = ("bulk_failed", "bulk_partial", "bulk_timeout", "bulk_canceled")
FILE_KINDS = ("status", "reset_before", "reset_after", "latency")  # for uploads and downloads
DOWNLOAD_KINDS = ("url_expired", "cut", "bad_line")
_RULE = re.compile(
    r"(?P<kind>\d{3}|[a-z_]+)(?::(?P<argument>[\d.]+))?(?:@(?P<match>\w+))?=(?P<often>once|\d+x|[\d.]+)(?:\+(?P<skip>\d+))?"
)


@dataclass(slots=True)
class Fault:
    """One rule; `times` None = no end.

    `code` and `retry_after` belong to `status`, `latency_ms` to `latency`, `share` to the faults of bulk operations.
    """

    kind: str
    code: int = 503
    retry_after: float | None = None
    latency_ms: float = 0.0
    match: str | None = None
    probability: float = 1.0
    times: int | None = None
    skip: int = 0
    once_per_operation: bool = False
    fired: int = 0
    share: float = 0.5
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        known = (*KINDS, *BULK_KINDS, *DOWNLOAD_KINDS)
        if self.kind not in known:
            raise ValueError(f"unknown fault {self.kind!r}; known: a status code, {', '.join(known[1:])}")
        if not 0.0 <= self.share <= 1.0:
            raise ValueError(f"a share lies between 0 and 1, not {self.share}")
        if not 0.0 <= self.probability <= 1.0:
            raise ValueError(f"a probability lies between 0 and 1, not {self.probability}")

    def as_json(self) -> dict[str, Any]:
        """The rule as the control endpoint shows it."""
        shown = asdict(self)
        del shown["_seen"]
        return shown


@dataclass(frozen=True, slots=True)
class Target:
    """What rules are matched against: the request's kind, operation name, root fields and identity."""

    kind: str  # query, mutation, rest, bulk_query, bulk_mutation, upload or download
    name: str | None
    roots: tuple[str, ...]
    identity: str  # the same for a repetition of the same body


def parse_fault(text: str) -> Fault:
    """A rule in its text form. Raises ValueError that says what is wrong."""
    found = _RULE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"not a fault: {text!r}; write KIND[:ARGUMENT][@MATCH]=HOW_OFTEN, e.g. 503=0.05")
    kind, argument, often = found["kind"], found["argument"], found["often"]
    fault = Fault("status" if kind.isdigit() else kind, match=found["match"], skip=int(found["skip"] or 0))
    if fault.kind == "status":
        fault.code = int(kind)
        fault.retry_after = float(argument) if argument else None
    elif fault.kind == "latency":
        fault.latency_ms = float(argument or 100)
    elif argument and fault.kind in (*BULK_KINDS, *DOWNLOAD_KINDS):
        fault.share = float(argument)
        if fault.share > 1.0:
            raise ValueError(f"a share lies between 0 and 1: {text!r}")
    if often == "once":
        fault.once_per_operation = True
    elif often.endswith("x"):
        fault.times = int(often[:-1])
    else:
        fault.probability = float(often)
        if not 0.0 <= fault.probability <= 1.0:
            raise ValueError(f"a probability lies between 0 and 1: {text!r}")
    return fault


def fault_from_json(given: dict[str, Any] | str) -> Fault:
    """A rule from the control endpoint: its text form, or an object of the fields of `Fault`. Raises ValueError."""
    if isinstance(given, str):
        return parse_fault(given)
    try:
        return Fault(**given)
    except TypeError as error:
        raise ValueError(str(error)) from None


class Faults:
    """The rules in force, with a random generator of their own. Thread-safe."""

    def __init__(self, rules: Iterable[Fault] = (), seed: int = 1) -> None:
        self._rules = list(rules)
        self._random = random.Random(seed)  # noqa: S311  # a repeatable disturbance, no secret
        self._lock = threading.Lock()

    def add(self, rule: Fault) -> None:
        with self._lock:
            self._rules.append(rule)

    def replace(self, rules: Iterable[Fault], seed: int | None = None) -> None:
        """New rules; with a seed the random generator starts anew."""
        with self._lock:
            self._rules = list(rules)
            if seed is not None:
                self._random.seed(seed)

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [rule.as_json() for rule in self._rules]

    def pick(self, target: Target, kinds: tuple[str, ...] = KINDS) -> tuple[float, Fault | None]:
        """(milliseconds to wait, the first other rule that fires) for one request; only rules of `kinds` count."""
        wait_ms, chosen = 0.0, None
        with self._lock:
            for rule in self._rules:
                if rule.kind not in kinds:
                    continue
                if (chosen is not None and rule.kind != "latency") or not self._fires(rule, target):
                    continue
                rule.fired += 1
                if rule.kind == "latency":
                    wait_ms += rule.latency_ms
                else:
                    chosen = rule
        return wait_ms, chosen

    def _fires(self, rule: Fault, target: Target) -> bool:
        if rule.match is not None and rule.match not in (target.kind, target.name, *target.roots):
            return False
        if rule.times is not None and rule.fired >= rule.times:
            return False
        if rule.skip > 0:
            rule.skip -= 1
            return False
        if rule.once_per_operation:
            if target.identity in rule._seen:
                return False
            rule._seen.add(target.identity)
        return rule.probability >= 1.0 or self._random.random() < rule.probability
