"""The command in processes that start warm: forked from one that has imported the program and run nothing.

What is forked is a process like any other: its own pid, environment, folder and standard streams, the real entry
point, killed by a real signal. Only the imports are there already, which are most of a short command's time. Tests of
the start itself use the installed command; `tests/cli/test_warm.py` proves that both say the same.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, NoReturn

_ROOT = Path(__file__).resolve().parent.parent
_MESSAGE = 1 << 20
_LINE = 32
# What the program imports inside functions.
_LATER = (
    "alembic.autogenerate", "alembic.command", "rich.console", "rich.progress", "rich.table", "yaml",
    "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg", "psycopg",
)  # fmt: skip


class Running:
    """One command under way; `out` and `err` are what it said, once it has ended."""

    def __init__(self, status: int, out: IO[bytes], err: IO[bytes]) -> None:
        self._status, self._streams = status, (out, err)
        self.out = self.err = ""
        self.returncode: int | None = None
        self.pid = int(self._line(30.0) or 0)
        if not self.pid:
            raise RuntimeError("the warm process is gone")

    def _line(self, seconds: float) -> str | None:
        """The next of the two lines that the monitor writes; None when it does not come in time."""
        if not select.select([self._status], [], [], seconds)[0]:
            return None
        return os.read(self._status, _LINE).decode().strip()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended within this time."""
        if self.returncode is None and (line := self._line(seconds)):
            self.returncode = int(line)
            os.close(self._status)
            texts = []
            for stream in self._streams:
                with stream:
                    stream.seek(0)
                    texts.append(stream.read().decode())
            self.out, self.err = texts
        return self.returncode is not None

    def finish(self, seconds: float = 120.0) -> int:
        """The exit code, negative for a signal; killed, and a TimeoutError, when it takes longer."""
        if not self.wait(seconds):
            self.send_signal(signal.SIGKILL)
            self.wait(10.0)
            raise TimeoutError(f"still running after {seconds} s: {self.err}")
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, sent: int) -> None:
        if not self.wait(0.0):
            os.kill(self.pid, sent)


class Warm:
    """A process that forks commands; a context manager."""

    def __enter__(self) -> Warm:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self._socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE)
        with theirs:
            # Its streams are nobody's: whoever waits for the end of the tests' output must not wait for this one.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.warm", str(theirs.fileno())],
                cwd=_ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._process.wait(30)

    def start(self, arguments: list[str], folder: Path, environment: Mapping[str, str], stdin: str = "") -> Running:
        """Start a command line; it inherits `environment` and nothing else."""
        given, out, err = (tempfile.TemporaryFile() for _ in range(3))  # noqa: SIM115 - `Running` closes its two
        given.write(stdin.encode())
        given.seek(0)
        ours, theirs = os.pipe()
        request = json.dumps({"arguments": arguments, "folder": str(folder), "environment": dict(environment)})
        with given:
            socket.send_fds(self._socket, [request.encode()], [given.fileno(), out.fileno(), err.fileno(), theirs])
        os.close(theirs)
        return Running(ours, out, err)


def _preload() -> None:
    """Everything that commands import when they are called."""
    import importlib
    import pkgutil

    import shopify_sync

    for module in pkgutil.walk_packages(shopify_sync.__path__, "shopify_sync."):
        if ".migrations." not in module.name:  # alembic runs those
            importlib.import_module(module.name)
    for name in _LATER:
        with contextlib.suppress(ImportError):  # an extra that is not installed
            importlib.import_module(name)


def _serve(end: socket.socket) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # monitors need nobody who waits for them
    while True:
        message, fds, _, _ = socket.recv_fds(end, _MESSAGE, 4)
        if not message:
            return
        if os.fork() == 0:
            end.close()
            _monitor(json.loads(message), *fds)
        for fd in fds:
            os.close(fd)


def _monitor(request: dict[str, object], stdin: int, out: int, err: int, status: int) -> NoReturn:
    """Fork the command, tell its pid, wait for its end, tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(status)
        _command(request, stdin, out, err)
    for fd in (stdin, out, err):
        os.close(fd)
    with contextlib.suppress(BrokenPipeError):  # a test that failed reads no more
        os.write(status, f"{pid}\n".encode().ljust(_LINE))
        _, ended = os.waitpid(pid, 0)
        os.write(status, f"{os.waitstatus_to_exitcode(ended)}\n".encode().ljust(_LINE))
    os._exit(0)


def _command(request: dict[str, object], stdin: int, out: int, err: int) -> NoReturn:
    code = 1
    try:
        for fd, place in ((stdin, 0), (out, 1), (err, 2)):
            os.dup2(fd, place)
            os.close(fd)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in the background ignore it
        os.environ.clear()
        os.environ.update(request["environment"])  # type: ignore[call-overload]
        time.tzset()
        tempfile.tempdir = None
        os.chdir(str(request["folder"]))
        sys.stdin = io.TextIOWrapper(io.FileIO(0), encoding="utf-8")
        sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w")), encoding="utf-8")
        sys.stderr = io.TextIOWrapper(
            io.BufferedWriter(io.FileIO(2, "w")), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )
        sys.argv = ["shopify-sync", *request["arguments"]]  # type: ignore[misc]
        from shopify_sync.__main__ import main

        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code & 0xFF)


if __name__ == "__main__":
    _preload()
    if threading.active_count() > 1:
        raise RuntimeError("a process with threads can't be forked safely")
    import gc

    gc.freeze()  # pages that the collector does not touch stay shared
    with socket.socket(fileno=int(sys.argv[1])) as end:
        _serve(end)
