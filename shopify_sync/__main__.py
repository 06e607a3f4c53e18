"""From the shell to the command: version, flags, the command itself, and every error as a block with an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from shopify_sync import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

_ANYWHERE = {"--json", "-q", "--quiet", "-v", "-vv", "--verbose", "--no-progress"}
_WITH_VALUE = {"--config", "--shop", "--database", "--log-format"}


def main() -> NoReturn:
    """The entry point `shopify-sync`."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):  # nothing else is imported for this
        sys.exit(_flushed(_version))
    signal.signal(signal.SIGTERM, _as_interrupt)
    # Records are trees of plain values, which die without the collector; at its usual pace it takes half of the time
    # in which they are put together.
    gc.set_threshold(100_000, 20, 100)
    sys.exit(_flushed(lambda: _run(_hoisted(arguments))))


def _version() -> int:
    sys.stdout.write(f"shopify-sync {__version__}\n")
    return 0


def _flushed(run: Callable[[], int]) -> int:
    """Run it and write out what it said; the exit code. A pipe that closes early is no error, a full disk is one."""
    try:
        code = run()
        sys.stdout.flush()
    except BrokenPipeError:
        return _pipe_closed()
    except OSError as error:
        _silence()
        sys.stderr.write(f"error: output\n  standard output takes no more\n  why:  {error.strerror}\n")
        sys.stderr.write("  next: make room, or send the output elsewhere; the work itself may be done\n")
        return 1
    return code


def _run(arguments: list[str]) -> int:
    from shopify_sync.cli import invoke

    try:
        return invoke(arguments)
    except BrokenPipeError:
        return _pipe_closed()
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the command again to go on\n")
        return 130


def _pipe_closed() -> int:
    """The reader has seen enough (`| head`): no error, no traceback; the code that a SIGPIPE would give."""
    _silence()
    return 141


def _silence() -> None:
    """What is still buffered goes nowhere, so that Python's own flush at the end finds nothing to complain of."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _as_interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _hoisted(arguments: list[str]) -> list[str]:
    """Options of the program itself may stand behind the command as well: bring them to the front.

    Everything behind `--` stays where it is.
    """
    front: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        if argument == "--":
            rest += [argument, *waiting]
            break
        if argument in _ANYWHERE:
            front.append(argument)
        elif argument in _WITH_VALUE and waiting:
            front += [argument, waiting.pop(0)]
        elif argument.partition("=")[0] in _WITH_VALUE and "=" in argument:
            front.append(argument)
        else:
            rest.append(argument)
    return front + rest


if __name__ == "__main__":
    main()
