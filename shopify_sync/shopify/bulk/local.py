"""The file that a download becomes: built beside its place under a name of its own, then put there at once."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from shopify_sync.errors import LocalFileError

Progress = Callable[[int, int | None], None]
"""Told the bytes that are there and, where known, how many it will be."""

_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Raises LocalFileError for what the machine has against a file."""
    try:
        yield
    except OSError as error:
        raise file_error(error, path) from None


def file_error(error: OSError, path: Path) -> LocalFileError:
    """`disk-full` where there is no room, `local-file` for the rest."""
    if error.errno in _FULL:
        return no_room(path, error.strerror or "no space left")
    return LocalFileError(
        f"{path} can't be read or written", why=error.strerror or type(error).__name__, next="check the path"
    )


def no_room(path: Path, why: str) -> LocalFileError:
    return LocalFileError(
        f"there is no room left for {path}",
        code="disk-full",
        why=why,
        next="make room on that disk, then run the command again",
    )


class Part:
    """`have` bytes are there. A part that is left behind by a killed process is taken up.

    It is readable by its owner only: it holds what the shop knows of its customers.
    """

    def __init__(self, target: Path, number: int) -> None:
        """The part of `target` that operation `number` brings. Raises LocalFileError."""
        self.target, self.path = target, target.with_name(f"{target.name}.{number}.part")
        with told(self.path):
            self._remove_others()
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            self.have = os.fstat(self._fd).st_size

    def __enter__(self) -> Part:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def room_for(self, size: int) -> None:
        """Raises LocalFileError where a file of `size` bytes will not fit, before any of it is fetched."""
        with told(self.path):
            free = shutil.disk_usage(self.path.parent).free
        if size - self.have > free:
            raise no_room(self.target, f"{size - self.have:,} bytes are to come, {free:,} are free")

    def read(self, at: int, size: int) -> bytes:
        """Up to `size` of the bytes that are there."""
        with told(self.path):
            return os.pread(self._fd, size, at)

    def append(self, data: bytes) -> None:
        """Write behind what is there. Where the disk is full the part is given up: the database needs the room."""
        view = memoryview(data)
        try:
            while view:
                written = os.pwrite(self._fd, view, self.have)
                self.have += written
                view = view[written:]
        except OSError as error:
            if error.errno in _FULL:
                with suppress(OSError):
                    self.path.unlink()
            raise file_error(error, self.path) from None

    def clear(self) -> None:
        """Start over."""
        if not self.have:
            return
        with told(self.path):
            os.ftruncate(self._fd, 0)
            self.have = 0

    def finish(self) -> None:
        """On the disk, and in its place."""
        with told(self.target):
            # Without it a power cut can leave a file that is in its place and shorter than it was.
            os.fsync(self._fd)
            self.path.replace(self.target)

    def _remove_others(self) -> None:
        """Parts of other operations for the same target: nobody will ask for them again."""
        start, end = f"{self.target.name}.", ".part"
        for found in self.target.parent.iterdir():
            number = found.name.removeprefix(start).removesuffix(end)
            if found.name == f"{start}{number}{end}" and number.isdigit() and found != self.path:
                found.unlink(missing_ok=True)


class Lines:
    """Hands on whole lines, in blocks that end with one. `upto`: how much of the file has been given in."""

    def __init__(self, give: Callable[[bytes], None]) -> None:
        self._give, self._rest, self.upto = give, b"", 0

    def feed(self, data: bytes) -> None:
        self.upto += len(data)
        cut = data.rfind(b"\n") + 1
        if cut:
            self._give(self._rest + data[:cut])
            self._rest = data[cut:]
        else:
            self._rest += data

    def end(self) -> None:
        """A last line may lack its end."""
        if self._rest:
            self._give(self._rest)
            self._rest = b""
