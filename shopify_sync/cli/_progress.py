"""Progress: a bar on a terminal, a line now and then where output is piped, nothing when nobody wants it."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shopify_sync.cli._options import Options
    from shopify_sync.records import Progress

_LINE_EVERY_S = 5.0


def progress_for(options: Options) -> Progress | None:
    """The progress that fits: None for silence."""
    if options.quiet or options.no_progress:
        return None
    return Bar() if sys.stderr.isatty() else Lines()


class Bar:
    """rich's bar on standard error, with rate, time left and points."""

    def __init__(self) -> None:
        self._display: Any = None
        self._task: Any = None

    def start(self, label: str, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

        self._display = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,.0f}"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[extra]}", style="dim"),
            console=Console(stderr=True),
            transient=True,
        )
        self._started = time.monotonic()
        self._task = self._display.add_task(label, total=total, rate="", extra="")
        self._display.start()

    def advance(self, done: int, *, points: int = 0) -> None:
        self._display.advance(self._task, done)
        finished = self._display.tasks[0].completed
        passed = max(0.001, time.monotonic() - self._started)
        extra = f"{points:,} points" if points else ""
        self._display.update(self._task, rate=f"{finished / passed:,.0f}/s", extra=extra)

    def waiting(self, seconds: float, reason: str) -> None:
        if self._display is not None:
            text = f"waiting {seconds:.0f} s: {reason}" if seconds else reason
            self._display.update(self._task, extra=text)

    def finish(self) -> None:
        if self._display is not None:
            self._display.stop()


class Lines:
    """A plain line every few seconds, so that a log shows that something happens."""

    def __init__(self) -> None:
        self._label, self._done, self._last = "", 0, time.monotonic()
        self._total: int | None = None

    def start(self, label: str, total: int | None) -> None:
        self._label, self._total, self._done, self._last = label, total, 0, time.monotonic()

    def advance(self, done: int, *, points: int = 0) -> None:
        self._done += done
        if time.monotonic() - self._last >= _LINE_EVERY_S:
            self._last = time.monotonic()
            whole = f" of {self._total:,}" if self._total else ""
            sys.stderr.write(f"{self._label}: {self._done:,}{whole}, {points:,} points\n")

    def waiting(self, seconds: float, reason: str) -> None:
        if seconds >= _LINE_EVERY_S:
            sys.stderr.write(f"{self._label}: waiting {seconds:.0f} s ({reason})\n")
        elif not seconds and time.monotonic() - self._last >= _LINE_EVERY_S:  # told at each look at something long
            self._last = time.monotonic()
            sys.stderr.write(f"{self._label}: {reason}\n")

    def finish(self) -> None: ...
