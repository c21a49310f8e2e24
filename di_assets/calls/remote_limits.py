"""Limits and budgets shared by a cluster: the driver (the process that plays a batch) permits each call of its workers.

Each chunk of episodes keeps one connection to the driver. Over it the chunk asks for permission for each call, and says
when the call has ended. That is one round trip per call; the call itself takes seconds. If the connection breaks, the
worker is gone, and its open calls count as the most they can have cost. If the driver is gone, workers get no more
permissions and give up. When play is to end, the driver permits nothing more and tells every chunk.
"""

import asyncio
import hmac
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from functools import partial
from itertools import count
from typing import Any

from distributed.comm.core import Comm, CommClosedError, connect, listen
from distributed.security import Security

from di_assets.calls.budget import BudgetExceededError
from di_assets.calls.permits import Permit, Permits
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.calls.tally import Tally

PATIENCE_S = 30.0


class DriverLostError(RuntimeError):
    """The driver of this batch cannot be reached. Everything that was played so far is in the journals."""

    exit_code = 1


class PermitServer:
    """The driver's side: permits the calls of workers by the limits and budgets of this process.

    Args:
        permits: the limits and budgets of this process.
        secret: a worker that does not send it is refused.
        stop: the stop of this process.

    Attributes:
        playing: the last counts that each chunk in play sent, by the chunk's name.
        comms: the connections of these chunks.
    """

    def __init__(self, permits: Permits, *, secret: str, stop: Stop) -> None:
        self._permits, self._secret, self._stop = permits, secret, stop
        self.playing: dict[str, Tally] = {}
        self.comms: set[Comm] = set()
        self._one_at_a_time = asyncio.Lock()
        self._telling: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, address: str) -> AsyncIterator[str]:
        """Listens inside the block at an address given without a port; yields the address with the port."""
        encryption = Security().get_listen_args("client")
        listener = await listen(f"{address}:0", self._serve, deserialize=True, **encryption)
        try:
            with self._stop.listening(self._tell_all):
                yield listener.contact_address
        finally:
            stopping = listener.stop()
            if stopping is not None:
                await stopping

    async def _serve(self, comm: Comm) -> None:
        """Serves the connection of one chunk until it ends."""
        open_permits: dict[int, Permit] = {}
        waiting: dict[int, asyncio.Task[None]] = {}
        chunk = ""
        try:
            hello = await comm.read()
            if not hmac.compare_digest(str(hello.get("secret")), self._secret):
                return
            chunk = hello["chunk"]
            self.comms.add(comm)
            if self._stop.reason is not None:
                await self._tell(comm)
            while True:
                message = await comm.read()
                if "bye" in message:
                    await self._write(comm, {"bye": True})
                    return
                if "enter" in message:
                    number = message["enter"][0]
                    waiting[number] = asyncio.create_task(self._permit(comm, message["enter"], open_permits))
                    waiting[number].add_done_callback(partial(_done, waiting, number))
                elif message.get("forget", -1) in waiting and message["forget"] not in open_permits:
                    waiting[message["forget"]].cancel()
                else:
                    self._receive(message, chunk, open_permits)
        except CommClosedError:
            pass
        finally:
            self.comms.discard(comm)
            for task in list(waiting.values()):
                task.cancel()
            for permit in open_permits.values():
                self._permits.leave(permit, spent_usd=permit.most_usd, replied=False)
            self.playing.pop(chunk, None)
            comm.abort()

    def _receive(self, message: dict[str, Any], chunk: str, open_permits: dict[int, Permit]) -> None:
        if "leave" in message:
            number, spent_usd, replied = message["leave"]
            self._permits.leave(open_permits.pop(number), spent_usd=spent_usd, replied=replied)
        elif "forget" in message and message["forget"] in open_permits:
            self._permits.leave(open_permits.pop(message["forget"]), spent_usd=0.0, replied=False)
        elif "slow_down" in message:
            self._permits.slow_down(*message["slow_down"])
        elif "tally" in message:
            counts = message["tally"]
            self.playing[chunk] = Tally(**{**counts, "faults": Counter(counts["faults"])})

    async def _permit(self, comm: Comm, asked: list[Any], open_permits: dict[int, Permit]) -> None:
        number, model, tokens, most_usd = asked
        try:
            async with self._stop.waiting():
                open_permits[number] = await self._permits.enter(model, tokens, most_usd)
            reply: dict[str, Any] = {"number": number}
        except StoppedError:
            return  # the worker learns of the stop by another message
        except BudgetExceededError as reason:
            reply = {"number": number, "exceeded": str(reason)}
        await self._write(comm, reply)

    def _tell_all(self) -> None:
        for comm in self.comms:
            task = asyncio.create_task(self._tell(comm))
            self._telling.add(task)
            task.add_done_callback(self._telling.discard)

    async def _tell(self, comm: Comm) -> None:
        await self._write(comm, {"stop": self._stop.reason, "hurried": self._stop.hurried})

    async def _write(self, comm: Comm, message: dict[str, Any]) -> None:
        with suppress(CommClosedError):  # `_serve` notices it when it reads next
            async with self._one_at_a_time:
                await comm.write(message)


def _done(waiting: dict[int, asyncio.Task[None]], number: int, _: object) -> None:
    del waiting[number]


class RemotePermits:
    """The worker's side: asks the driver for permission for each call.

    Args:
        comm: the connection to the driver.
        stop: the stop of the chunk. It is asked when the driver sends a stop, and when the driver is gone.
    """

    def __init__(self, comm: Comm, stop: Stop) -> None:
        self._comm, self._stop = comm, stop
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._to_send: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._lost: str | None = None

    async def enter(self, model: str, tokens: int, most_usd: float) -> Permit:
        """Waits until the driver permits the call; see `Permits.enter`.

        Raises:
            BudgetExceededError: a budget is too small for the call.
            DriverLostError: the driver is gone.
        """
        if self._lost is not None:
            raise DriverLostError(self._lost)
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        self._to_send.put_nowait({"enter": [number, model, tokens, most_usd]})
        try:
            await self._asked[number]
        except asyncio.CancelledError:
            self._to_send.put_nowait({"forget": number})
            raise
        finally:
            del self._asked[number]
        return Permit(model, most_usd, number)

    def leave(self, permit: Permit, *, spent_usd: float, replied: bool) -> None:
        """Tells the driver that a call has ended and what it cost, US dollars."""
        self._to_send.put_nowait({"leave": [permit.number, spent_usd, replied]})

    def slow_down(self, account: str, seconds: float) -> None:
        """Tells the driver that an account's server asks for fewer calls, and for none for so many seconds."""
        self._to_send.put_nowait({"slow_down": [account, seconds]})

    def tell(self, tally: Tally) -> None:
        """Sends the driver the counts of this chunk so far."""
        self._to_send.put_nowait({"tally": {**asdict(tally), "faults": dict(tally.faults)}})

    async def send(self) -> None:
        """Sends queued messages in order; returns after the goodbye was sent, or when the connection is closed."""
        with suppress(CommClosedError):
            while True:
                message = await self._to_send.get()
                await self._comm.write(message)
                if "bye" in message:
                    return

    async def read(self) -> None:
        """Receives the driver's messages until its goodbye. If the connection breaks, all waiting calls fail."""
        try:
            while "bye" not in (reply := await self._comm.read()):
                if "stop" in reply:
                    self._stop.ask(reply["stop"], interrupted=False)
                    if reply["hurried"]:
                        self._stop.hurry()
                    continue
                asked = self._asked.get(reply["number"])
                if asked is not None and not asked.done():
                    if "exceeded" in reply:
                        asked.set_exception(BudgetExceededError(reply["exceeded"]))
                    else:
                        asked.set_result(None)
        except CommClosedError:
            self._lost = "the process that drives this batch is gone; run it again, and it goes on from the journals"
            for asked in self._asked.values():
                if not asked.done():
                    asked.set_exception(DriverLostError(self._lost))
            self._stop.ask(self._lost, interrupted=False)  # permitted calls that were not sent stay here

    def goodbye(self) -> None:
        """Queues the goodbye: nothing is sent after it."""
        self._to_send.put_nowait({"bye": True})


@asynccontextmanager
async def remote_permits(address: str, *, secret: str, chunk: str, stop: Stop) -> AsyncIterator[RemotePermits]:
    """Connects a chunk to the driver at this address for the length of the block.

    At its end the block waits, `PATIENCE_S` at most, until the driver has received all messages.

    Raises:
        DriverLostError: the driver cannot be reached.
    """
    try:
        comm = await connect(address, timeout=PATIENCE_S, **Security().get_connection_args("worker"))
        await comm.write({"secret": secret, "chunk": chunk})
    except OSError as error:
        raise DriverLostError(
            f"the driver at {address} can't be reached from this worker: {type(error).__name__}"
        ) from None
    permits = RemotePermits(comm, stop)
    sending, reading = asyncio.create_task(permits.send()), asyncio.create_task(permits.read())
    try:
        yield permits
    finally:
        permits.goodbye()
        await asyncio.wait([sending, reading], timeout=PATIENCE_S)
        sending.cancel()
        reading.cancel()
        comm.abort()
