"""A Postgres of the tests' own: a throw-away cluster on a free loopback port, shared by all test processes.

The environment variable SHOPIFY_SYNC_TEST_POSTGRES names a running server instead
(`postgresql://user@host:port/postgres`). With SHOPIFY_SYNC_REQUIRE_POSTGRES a missing one is a failure, not a skip.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


def binaries() -> Path | None:
    """The folder with `initdb` and `pg_ctl`."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def start() -> tuple[str, Path]:
    """Start a cluster; (URL of its maintenance database, its folder). `pg_ctl` waits until it answers."""
    programs = binaries()
    if programs is None:
        raise RuntimeError("no Postgres here: install it, or set SHOPIFY_SYNC_TEST_POSTGRES")
    folder = Path(tempfile.mkdtemp(prefix="shopify-sync-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data, port = folder / "data", _free_port()
    _run(programs / "initdb", "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "-D", data)
    options = f"-h 127.0.0.1 -p {port} -k {folder} " + " ".join(f"-c {setting}" for setting in _SETTINGS)
    _run(programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start")
    return f"postgresql://postgres@127.0.0.1:{port}/postgres", folder


def stop(folder: Path) -> None:
    """End the cluster in a folder and remove it."""
    programs = binaries()
    if programs is not None:
        _run(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def _user() -> str | None:
    """Postgres refuses to run as root; its package made a user for it."""
    return "postgres" if os.geteuid() == 0 else None


def _run(*command: object) -> None:
    # The server inherits what it is given here, so it gets no pipe that somebody would wait on.
    subprocess.run(
        [str(part) for part in command],
        user=_user(),
        check=True,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def shared_cluster(meeting: Path) -> Iterator[str]:
    """One cluster for all processes that meet in a folder: the first starts it, the last stops it."""
    if given := os.environ.get("SHOPIFY_SYNC_TEST_POSTGRES"):
        yield given
        return
    lock, place, users = meeting / "postgres.lock", meeting / "postgres.place", meeting / "postgres.users"
    with lock.open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if not place.exists():
            url, folder = start()
            place.write_text(f"{url}\n{folder}")
        url, folder = place.read_text().split("\n")[0], Path(place.read_text().split("\n")[1])
        users.write_text(str(int(users.read_text()) + 1 if users.exists() else 1))
    try:
        yield url
    finally:
        with lock.open("w") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            left = int(users.read_text()) - 1
            users.write_text(str(left))
            if left == 0:
                place.unlink()
                stop(folder)
