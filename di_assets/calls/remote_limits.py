"""Limits and budgets shared by a cluster: the process that drives a batch lets out every call of its workers.

Each chunk of episodes that is played keeps one connection. It asks for each call and says when that is over; one round
trip a call, which takes a model seconds. Where the connection breaks, its worker is gone, and what its open calls can
have cost counts as spent. Where the driver is gone, a worker can let out no more calls and gives up. When play is to
end here, nothing more is let out, and every chunk is told.
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
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.calls.tally import Tally
from di_assets.calls.tolls import Toll, Tolls

PATIENCE_S = 30.0


class DriverLostError(RuntimeError):
    """The process that drives this batch can't be reached; what was played so far is in the journals."""

    exit_code = 1


class TollHouse:
    """Lets out the calls of workers by the tolls of this process.

    Args:
        tolls: of this process.
        secret: that a worker has to know.
        stop: of this process.

    Attributes:
        playing: what chunks that are being played told last, by name.
        comms: their connections.
    """

    def __init__(self, tolls: Tolls, *, secret: str, stop: Stop) -> None:
        self._tolls, self._secret, self._stop = tolls, secret, stop
        self.playing: dict[str, Tally] = {}
        self.comms: set[Comm] = set()
        self._one_at_a_time = asyncio.Lock()
        self._telling: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self, address: str) -> AsyncIterator[str]:
        """Listens at an address without a port; yields where workers find it."""
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
        """One worker's connection, until it ends."""
        open_tolls: dict[int, Toll] = {}
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
                    waiting[number] = asyncio.create_task(self._let_out(comm, message["enter"], open_tolls))
                    waiting[number].add_done_callback(partial(_done, waiting, number))
                elif message.get("forget", -1) in waiting and message["forget"] not in open_tolls:
                    waiting[message["forget"]].cancel()
                else:
                    self._hear(message, chunk, open_tolls)
        except CommClosedError:
            pass
        finally:
            self.comms.discard(comm)
            for task in list(waiting.values()):
                task.cancel()
            for toll in open_tolls.values():
                self._tolls.leave(toll, spent_usd=toll.most_usd, replied=False)
            self.playing.pop(chunk, None)
            comm.abort()

    def _hear(self, message: dict[str, Any], chunk: str, open_tolls: dict[int, Toll]) -> None:
        if "leave" in message:
            number, spent_usd, replied = message["leave"]
            self._tolls.leave(open_tolls.pop(number), spent_usd=spent_usd, replied=replied)
        elif "forget" in message and message["forget"] in open_tolls:
            self._tolls.leave(open_tolls.pop(message["forget"]), spent_usd=0.0, replied=False)
        elif "slow_down" in message:
            self._tolls.slow_down(*message["slow_down"])
        elif "tally" in message:
            told = message["tally"]
            self.playing[chunk] = Tally(**{**told, "faults": Counter(told["faults"])})

    async def _let_out(self, comm: Comm, asked: list[Any], open_tolls: dict[int, Toll]) -> None:
        number, model, tokens, most_usd = asked
        try:
            async with self._stop.waiting():
                open_tolls[number] = await self._tolls.enter(model, tokens, most_usd)
            reply: dict[str, Any] = {"number": number}
        except StoppedError:
            return  # its worker is told
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
        with suppress(CommClosedError):  # whoever reads it next finds out
            async with self._one_at_a_time:
                await comm.write(message)


def _done(waiting: dict[int, asyncio.Task[None]], number: int, _: object) -> None:
    del waiting[number]


class FarTolls:
    """The tolls of the driver, as a worker pays them.

    Args:
        comm: the connection to it.
        stop: of the chunk; asked when the driver says so, or is gone.
    """

    def __init__(self, comm: Comm, stop: Stop) -> None:
        self._comm, self._stop = comm, stop
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._to_send: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._lost: str | None = None

    async def enter(self, model: str, tokens: int, most_usd: float) -> Toll:
        """Returns when the driver lets out the call.

        Raises:
            BudgetExceededError: a budget does not reach for it.
            DriverLostError: nobody lets it out.
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
        return Toll(model, most_usd, number)

    def leave(self, toll: Toll, *, spent_usd: float, replied: bool) -> None:
        """The call is over, and has cost this much."""
        self._to_send.put_nowait({"leave": [toll.number, spent_usd, replied]})

    def slow_down(self, account: str, seconds: float) -> None:
        """A server asks for fewer calls, and for none for so long."""
        self._to_send.put_nowait({"slow_down": [account, seconds]})

    def tell(self, tally: Tally) -> None:
        """What is done so far."""
        self._to_send.put_nowait({"tally": {**asdict(tally), "faults": dict(tally.faults)}})

    async def send(self) -> None:
        """Sends what is to be sent, in order, until the goodbye."""
        with suppress(CommClosedError):
            while True:
                message = await self._to_send.get()
                await self._comm.write(message)
                if "bye" in message:
                    return

    async def read(self) -> None:
        """Takes the driver's answers until its goodbye."""
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
            self._stop.ask(self._lost, interrupted=False)  # what was let out and has not left stays

    def goodbye(self) -> None:
        """Nothing more will be sent."""
        self._to_send.put_nowait({"bye": True})


@asynccontextmanager
async def far_tolls(address: str, *, secret: str, chunk: str, stop: Stop) -> AsyncIterator[FarTolls]:
    """The tolls of the driver at this address; what was told of calls has arrived when the block ends.

    Raises:
        DriverLostError: it can't be reached.
    """
    try:
        comm = await connect(address, timeout=PATIENCE_S, **Security().get_connection_args("worker"))
        await comm.write({"secret": secret, "chunk": chunk})
    except OSError as error:
        raise DriverLostError(
            f"the driver at {address} can't be reached from this worker: {type(error).__name__}"
        ) from None
    tolls = FarTolls(comm, stop)
    sending, reading = asyncio.create_task(tolls.send()), asyncio.create_task(tolls.read())
    try:
        yield tolls
    finally:
        tolls.goodbye()
        await asyncio.wait([sending, reading], timeout=PATIENCE_S)
        sending.cancel()
        reading.cancel()
        comm.abort()
