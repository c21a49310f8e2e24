"""Shows progress in one line on stderr: redrawn on a terminal, written from time to time to a log or a pipe.

The remaining time is computed from calls, not episodes: calls are made all the time, even if all episodes end together.
"""

import os
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

# Seconds in a log: from the first count to the first line, then between lines.
FIRST_S, EVERY_S = 0.9, 10.0
# Calls per second are computed over this many last seconds.
WINDOW_S = 30.0


@dataclass(frozen=True, slots=True)
class Count:
    """The progress of one piece of work.

    Attributes:
        what: the piece of work, such as a batch.
        unit: what is counted, such as `episodes`.
        done: number that has ended.
        total: number in all.
        calls: calls made.
        calls_left: approximate number of calls left, without re-asks; None if unknown.
        spent_usd: US dollars spent.
        of_usd: the budget for them; None if there is none.
        then: what comes afterwards, in words.
    """

    what: str
    unit: str
    done: int
    total: int
    calls: int
    calls_left: float | None
    spent_usd: float
    of_usd: float | None = None
    then: str = ""


@dataclass(slots=True)
class Line:
    """The progress line. A terminal redraws it four times per second; a log gets a new line when there is a new count.

    Attributes:
        write: writes a line of a log; None on a terminal.
        clock: seconds, from any starting point.
    """

    write: Callable[[str], Any] | None
    clock: Callable[[], float] = time.monotonic
    _began: float = field(init=False)
    _title: str = field(init=False, default="")
    _count: Count | None = field(init=False, default=None)
    _recent: deque[tuple[float, int]] = field(init=False, default_factory=deque)
    _next: float | None = field(init=False, default=None)
    _spinner: Spinner = field(init=False, default_factory=lambda: Spinner("line"))

    def __post_init__(self) -> None:
        """Starts the clock."""
        self._began = self.clock()

    def title(self, text: str) -> None:
        """Shows that work without a count begins."""
        self._title, self._count = text, None
        self._recent.clear()

    def hear(self, count: Count) -> None:
        """Takes a new count."""
        now = self.clock()
        if self._count is None or self._count.what != count.what:
            self._recent.clear()
        self._count = count
        self._recent.append((now, count.calls))
        while len(self._recent) > 2 and now - self._recent[0][0] > WINDOW_S:
            self._recent.popleft()
        if self.write is not None:
            self._next = now + FIRST_S if self._next is None else self._next
            if now >= self._next:
                self.write(self.text())
                self._next = now + EVERY_S

    def text(self) -> str:
        """The text of the line now."""
        count = self._count
        if count is None:
            return self._title
        rate = self._calls_per_s() if count.done < count.total else None
        parts = [
            count.what,
            f"{count.done:,} of {count.total:,} {count.unit}",
            f"{count.calls:,} calls" + ("" if rate is None else f", {rate:,.1f}/s"),
            f"${count.spent_usd:,.{4 if count.spent_usd < 1 else 2}f}"
            + ("" if count.of_usd is None else f" of ${count.of_usd:,.2f}"),
        ]
        left = self._seconds_left(count, rate)
        if left is not None:
            parts.append(f"about {_duration(left)} left")
        return "  ".join([*parts, *([count.then] if count.then else [])])

    def __rich__(self) -> Text:
        """The line for a terminal, cut if it is too long."""
        turn = self._spinner.render(time.monotonic())
        drawn = Text(no_wrap=True, overflow="ellipsis")
        drawn.append(turn if isinstance(turn, Text) else "-")
        return drawn.append(f" {self.text()}  {_duration(self.clock() - self._began)}")

    def _calls_per_s(self) -> float | None:
        if len(self._recent) < 2:
            return None
        (first, before), (last, now) = self._recent[0], self._recent[-1]
        return (now - before) / (last - first) if last > first else None

    def _seconds_left(self, count: Count, rate: float | None) -> float | None:
        """Seconds left, computed from calls; None if unknown."""
        if count.calls_left is None or not rate:
            return None
        return max(1.0, count.calls_left / rate)


@contextmanager
def progress() -> Iterator[Line]:
    """Shows the line while the block works, and removes it at the end. Output to stdout is not disturbed."""
    with _stderr() as stream:
        if not stream.isatty():
            yield Line(lambda text: print(text, file=stream, flush=True))
            return
        line = Line(None)
        console = Console(file=stream, width=os.get_terminal_size(stream.fileno()).columns or None)
        with Live(line, console=console, transient=True, redirect_stdout=False, refresh_per_second=4):
            yield line


@contextmanager
def _stderr() -> Iterator[TextIO]:
    """The real stderr: while a step runs, Dagster redirects the file descriptor to a log of its own."""
    try:
        copy = os.dup(sys.stderr.fileno())
    except (OSError, ValueError):  # stderr has no file descriptor, for example in a test
        yield sys.stderr
        return
    with os.fdopen(copy, "w", encoding="utf-8", errors="replace") as stream:
        yield stream


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
