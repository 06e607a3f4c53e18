"""A Postgres of the tests' own: a throw-away cluster on a free loopback port, shared by all test processes.

The environment variable SHOPIFY_SYNC_TEST_POSTGRES names a running server instead
(`postgresql://user@host:port/postgres`). With SHOPIFY_SYNC_REQUIRE_POSTGRES a missing one is a failure, not a skip.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def binaries() -> Path | None:
    """The folder with `initdb` and `postgres`."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Cluster:
    """A running cluster. `url` is its maintenance database; `stop` ends it and removes its files."""

    def __init__(self, folder: Path) -> None:
        programs = binaries()
        if programs is None:
            raise RuntimeError("no Postgres here: install it, or set SHOPIFY_SYNC_TEST_POSTGRES")
        self.folder = folder
        # Postgres refuses to run as root; the package made a user for it.
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            shutil.chown(folder, self.user)
        self.port = _free_port()
        self._run(
            [programs / "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", folder / "data"]
        )
        settings = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200"]
        command = [programs / "postgres", "-D", folder / "data", "-h", "127.0.0.1", "-p", self.port, "-k", folder]
        for setting in settings:
            command += ["-c", setting]
        self.process = subprocess.Popen(
            [str(part) for part in command],
            user=self.user,
            stdout=(folder / "log").open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def _run(self, command: list[object]) -> None:
        subprocess.run([str(part) for part in command], user=self.user, check=True, capture_output=True)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(url: str) -> None:
    """Until the server answers. Bounded by libpq's own time-out for each try."""
    import psycopg

    for _ in range(200):
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            socket.socket().close()
            select_wait(0.05)
        else:
            return
    raise RuntimeError("the cluster did not come up")


def select_wait(seconds: float) -> None:
    """Give a starting server time; the only wait in the tests, and for another program's start."""
    import select

    select.select([], [], [], seconds)


@contextmanager
def cluster() -> Iterator[str]:
    """A cluster for as long as the block lasts; its URL."""
    given = os.environ.get("SHOPIFY_SYNC_TEST_POSTGRES")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="shopify-sync-pg-"))
    running = Cluster(folder)
    try:
        wait_ready(running.url)
        yield running.url
    finally:
        running.stop()


@contextmanager
def shared_cluster(meeting: Path) -> Iterator[str]:
    """One cluster for all processes that meet in a folder: the first starts it, the last stops it."""
    given = os.environ.get("SHOPIFY_SYNC_TEST_POSTGRES")
    if given:
        yield given
        return
    count, lock = meeting / "postgres-users", meeting / "postgres-lock"
    place = meeting / "postgres-url"
    with lock.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not place.exists():
            running = Cluster(Path(tempfile.mkdtemp(prefix="shopify-sync-pg-")))
            wait_ready(running.url)
            place.write_text(f"{running.url}\n{running.process.pid}\n{running.folder}")
        users = int(count.read_text()) if count.exists() else 0
        count.write_text(str(users + 1))
    url, pid, folder = place.read_text().split("\n")
    try:
        yield url
    finally:
        with lock.open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            users = int(count.read_text()) - 1
            count.write_text(str(users))
            if users == 0:
                os.kill(int(pid), signal.SIGINT)
                place.unlink()
                shutil.rmtree(folder, ignore_errors=True)
