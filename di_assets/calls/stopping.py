"""Stopping play: no further request is sent, and replies on their way are waited for, but only for a limited time.

A signal sets a flag and wakes the event loop. It raises no exception, because an exception in a callback of an event
loop is only logged. A call whose request was not sent yet (it waits for a slot, a rate, a budget, a retry or a
connection) ends at once. A call whose request was sent ends when its reply comes, or when the waiting time is over.
"""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType

from di_assets.providers.types import LEAVES

DRAIN_S = 30.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StoppedError(Exception):
    """Play was stopped; the message says why (a signal, for example).

    Attributes:
        cut: the request had been sent, and the waiting time for its reply was over.
    """

    def __init__(self, reason: str, *, cut: bool = False) -> None:
        super().__init__(reason)
        self.cut = cut


class Stop:
    """A request to end play. `ask` may be called from a signal handler and from any thread.

    Args:
        drain_s: the longest time that replies on their way are waited for, seconds.

    Attributes:
        reason: why play is to end; None while play goes on.
        interrupted: a person or the system asked, not the program itself.
        hurried: replies on their way are no longer waited for.
    """

    def __init__(self, *, drain_s: float = DRAIN_S) -> None:
        self.drain_s = drain_s
        self.reason: str | None = None
        self.interrupted = self.hurried = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scopes: set[_Scope] = set()
        self._listening: list[Callable[[], None]] = []
        self._patience: asyncio.TimerHandle | None = None

    def ask(self, reason: str, *, interrupted: bool = True) -> None:
        """Asks play to end. When a person or the system asks a second time, replies are no longer waited for.

        Args:
            reason: why; the first reason is kept.
            interrupted: a person or the system asks.
        """
        if self.reason is None:
            self.reason = reason
        self.hurried = self.hurried or (self.interrupted and interrupted)
        self.interrupted = self.interrupted or interrupted
        self._wake()

    def hurry(self) -> None:
        """From now on, once play is to end, replies that are on their way are no longer waited for."""
        self.hurried = True
        self._wake()

    def check(self) -> None:
        """Called between two pieces of work; returns while play goes on.

        Raises:
            StoppedError: play is to end.
        """
        if self.reason is not None:
            raise StoppedError(self.reason)

    def departure(self, noted: Callable[[], object]) -> "Departure":
        """Use as `async with` around one try of a call; `noted` is called at the moment the request is sent."""
        return Departure(self, noted)

    def waiting(self) -> "_Scope":
        """Use as `async with` around a wait. The block raises `StoppedError` as soon as play is to end."""
        return _Scope(self)

    @contextmanager
    def listening(self, heed: Callable[[], None]) -> Iterator[None]:
        """Inside the block, `heed` is called in this event loop after each call of `ask` or `hurry`."""
        self._loop = asyncio.get_running_loop()
        self._listening.append(heed)
        try:
            if self.reason is not None:
                heed()
            yield
        finally:
            self._listening.remove(heed)

    async def asked(self) -> None:
        """Returns when play is to end."""
        with suppress(StoppedError):
            async with self.waiting():
                await asyncio.get_running_loop().create_future()

    async def sleep(self, seconds: float) -> None:
        """As `asyncio.sleep`.

        Raises:
            StoppedError: play is to end.
        """
        async with self.waiting():
            await asyncio.sleep(seconds)

    def _enter(self, scope: "_Scope") -> None:
        self._loop = asyncio.get_running_loop()
        self.check()
        self._scopes.add(scope)

    def _leave(self, scope: "_Scope") -> None:
        self._scopes.discard(scope)
        if self._patience is not None and not self._scopes:
            self._patience.cancel()

    def _wake(self) -> None:
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(self._heed)

    def _heed(self) -> None:
        for scope in list(self._scopes):
            if self.hurried or not scope.out:
                scope.cut()
        for heed in list(self._listening):
            heed()
        if self._loop is not None and self._patience is None and not self.hurried:
            self._patience = self._loop.call_later(self.drain_s, self.hurry)


class _Scope:
    """A block that ends at once when play is to end. It cancels the task and uncancels it, like `asyncio.timeout`."""

    out = False  # the request was sent, and that cannot be undone

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._cut = self._kept_in = False

    async def __aenter__(self) -> "_Scope":
        self._enter()
        return self

    def _enter(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._stop._enter(self)

    def cut(self) -> None:
        """Ends the block."""
        if not self._cut:
            self._cut = True
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop._leave(self)
        others = self._task.uncancel() if self._cut else self._task.cancelling()
        ours = (self._cut or self._kept_in) and others <= self._cancelling
        if ours and kind is asyncio.CancelledError:
            raise StoppedError(self._stop.reason or "", cut=self.out) from None


class Departure(_Scope):
    """One try of a call. A stop ends it at once if its request was not sent yet; otherwise its reply is waited for.

    Attributes:
        out: the request was sent.
    """

    def __init__(self, stop: Stop, noted: Callable[[], object]) -> None:
        super().__init__(stop)
        self._noted = noted

    async def __aenter__(self) -> "Departure":
        self._enter()
        self._token = LEAVES.set(self._leaves)
        return self

    def _leaves(self) -> None:
        """Called just before the request is sent. If play is to end by now, cancels the task instead."""
        if self._stop.reason is not None:
            self._kept_in = True
            raise asyncio.CancelledError  # which transports and SDKs let through
        if not self.out:
            self._noted()
        self.out = True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        LEAVES.reset(self._token)
        await super().__aexit__(kind, error, trace)


@contextmanager
def stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Inside the block, Ctrl-C, SIGTERM and a closed terminal call `stop.ask`; in the main thread only."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # `nohup` makes a process ignore SIGHUP; it stays ignored.
    numbers = [n for n in SIGNALS if n != signal.SIGHUP or signal.getsignal(n) != signal.SIG_IGN]

    def hears(number: int, _: object) -> None:
        stop.ask(_words(number))

    before = {number: signal.signal(number, hears) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def stop_listeners(stop: Stop) -> Iterator[Callable[[], None]]:
    """Notices signals although another program's handlers are installed.

    Yields a function. When it is called, it calls `stop.ask` if a signal came since the last call. Dagster installs its
    own handlers during a run, and loses signals that come between the last step of a run and its end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.setblocking(False)

        def look() -> None:
            with suppress(BlockingIOError):
                for number in ours.recv(4096):
                    if number in SIGNALS and not stop.interrupted:
                        stop.ask(_words(number))

        before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
        try:
            yield look
        finally:
            signal.set_wakeup_fd(before)


def _words(number: int) -> str:
    return f"interrupted by {signal.Signals(number).name}"
