"""Syncs: in this process, or in a child that is killed with SIGKILL at a commit or a request.

Children are forked by a zygote, a process that has imported everything and started no thread (`python -m
tests.convergence.runs FD`). The signal comes from the child itself, at the chosen moment: before or after the Nth
COMMIT, before the Nth request or after its answer.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn
from unittest import mock

from shopify_sync.app import App
from shopify_sync.app.core import NoProgress
from shopify_sync.clock import Clock, ManualClock
from shopify_sync.config import Flags, Settings, load
from shopify_sync.engine import shipping
from shopify_sync.records import RunResult
from shopify_sync.shopify.transports.http import HttpTransport
from shopify_sync.shopify.transports.retry import RetryTransport
from shopify_sync.store.database import Database

_ROOT = Path(__file__).resolve().parents[2]
_MESSAGE = 1 << 20
IN_BULK = int(os.environ.get("IN_BULK", "8"))


@dataclass(frozen=True)
class Kill:
    """When a child ends itself: `before` or after the `at`-th `commit` or `request`."""

    point: str
    at: int
    before: bool


@dataclass(frozen=True)
class Ran:
    """What came of a run; `killed` where it did not get to its end."""

    killed: bool
    runs: list[dict[str, Any]]
    waited_s: float = 0.0

    @property
    def through(self) -> bool:
        """Whether pull and push went through, whatever they found."""
        return (
            not self.killed and len(self.runs) == 2 and all(r["status"] in ("succeeded", "partial") for r in self.runs)
        )

    def __str__(self) -> str:
        if self.killed:
            return "killed"
        told = []
        for run in self.runs:
            counts = " ".join(f"{name} {value}" for name, value in run["counts"].items() if value)
            wrong = "; ".join(
                f"{e.get('code')} {e.get('record')} {e.get('field')}: {e.get('message')}" for e in run["errors"]
            )
            stopped = f" [{run['error']['code']}: {run['error']['what']}]" if run["error"] else ""
            told.append(f"{run['direction']} {run['status']}{stopped} ({counts}) {wrong}")
        return " | ".join(told)


def settings_of(url: str, token: str, database_url: str) -> Settings:
    environment = {"SHOPIFY_API_URL": url, "SHOPIFY_ACCESS_TOKEN": token, "SHOPIFY_SYNC_DATABASE_URL": database_url}
    return load(Flags(config=None), environment | {"SHOPIFY_SYNC_CONFIG": "", "XDG_CONFIG_HOME": "/nowhere"})


def carry_out(settings: Settings, database: Database, clock: Clock, what: str, seed: int) -> list[RunResult]:
    """A `sync`, `full`, `pull` or `push`, as the commands make it; with `seed` its waits are always the same.

    Every `IN_BULK`-th of them goes by bulk operations, also for a single line.
    """
    app = App(settings, database, clock, NoProgress())
    retry = app.client.transport
    assert isinstance(retry, RetryTransport)
    retry.backoff.random = random.Random(seed)
    try:
        if what in ("sync", "full") and seed % IN_BULK == 0:
            with mock.patch.object(shipping, "FEW", 1):
                pulled = app.pull("products", method="bulk", full=what == "full", push_follows=True)
                return [pulled, *([app.push("products", method="bulk")] if pulled.exit_code in (0, 3, 4) else [])]
        if what in ("sync", "full"):
            return app.sync(["products"], full=what == "full")
        return [getattr(app, what)("products")]
    finally:
        app.close()


class Zygote:
    """Forks runs; a context manager."""

    def __enter__(self) -> Zygote:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.convergence.runs", str(theirs.fileno())],
                cwd=_ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.wait(30)

    def run(self, request: dict[str, Any]) -> Ran:
        """One run in a child of its own. Raises RuntimeError for a child that ends otherwise than by the signal."""
        self._socket.send(json.dumps(request).encode())
        answer = json.loads(self._socket.recv(_MESSAGE) or b"{}")
        if answer.get("code") == -signal.SIGKILL:
            return Ran(True, [])
        if answer.get("code") != 0:
            raise RuntimeError(f"the child ended with {answer.get('code')}: {answer.get('text')}")
        return Ran(False, answer["runs"], answer["waited_s"])


def _serve(end: socket.socket) -> None:
    while message := end.recv(_MESSAGE):
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            end.close()
            os.close(ours)
            _child(json.loads(message), theirs)
        os.close(theirs)
        with os.fdopen(ours, "rb") as pipe:
            text = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        answer = json.loads(text) if code == 0 else {"text": text.decode()[-3000:]}
        end.send(json.dumps(answer | {"code": code}).encode())


def _child(request: dict[str, Any], pipe: int) -> NoReturn:
    code = 1
    try:
        clock = ManualClock(datetime.fromisoformat(request["now"]))
        if request["kill"]:
            _arm(Kill(**request["kill"]))
        database = Database(request["database_url"])
        settings = settings_of(request["url"], request["token"], request["database_url"])
        results = carry_out(settings, database, clock, request["what"], request["seed"])
        answer = {"runs": [one.as_json() for one in results], "waited_s": sum(clock.slept)}
        os.write(pipe, json.dumps(answer).encode())
        code = 0
    except BaseException:
        os.write(pipe, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _arm(kill: Kill) -> None:
    """Put the moment into the one place where transactions end, or requests go out."""
    counted = 0

    def at_moment(original: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal counted
        counted += 1
        if counted == kill.at and kill.before:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments)
        if counted == kill.at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    if kill.point == "request":
        send = HttpTransport.send
        HttpTransport.send = lambda *a: at_moment(send, *a)  # type: ignore[method-assign]
    else:
        ended = Database._end

        def end(database: Database, connection: Any, word: str) -> None:
            if word == "COMMIT":
                at_moment(ended, database, connection, word)
            else:
                ended(database, connection, word)

        Database._end = end  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    from tests.warm import _preload

    _preload()
    import gc

    gc.freeze()  # pages that the collector does not touch stay shared
    with socket.socket(fileno=int(sys.argv[1])) as waiting:
        _serve(waiting)
