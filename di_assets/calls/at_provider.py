"""One wave at its provider: handed over, waited for, fetched. Every step can be repeated after a kill."""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from di_assets.arms.settings import BatchSettings
from di_assets.calls.stopping import Stop
from di_assets.calls.wave_file import Wave
from di_assets.providers.batches import Batches, Outcome
from di_assets.providers.types import FatalFault, ProviderError, Request

log = logging.getLogger(__name__)

Told = TypeVar("Told")
# The wait between two questions to a provider grows by this factor.
SLOWER = 1.5


class LostWaveError(Exception):
    """A wave that an earlier run wrote never reached its provider; its requests are sent in another wave."""


class AtProvider:
    """A wave and the provider that it goes to.

    Args:
        wave: the wave; its record is kept up to date.
        batches: the provider's batch interface.
        settings: how often the provider is asked.
        stop: ends every wait; the wave stays at the provider, and a later run fetches it.
        max_retries: how often handing over is tried again.
    """

    def __init__(self, wave: Wave, batches: Batches, *, settings: BatchSettings, stop: Stop, max_retries: int) -> None:
        self._wave, self._batches, self._settings, self._stop = wave, batches, settings, stop
        self._max_retries = max_retries

    async def hand_over(self, requests: Mapping[str, Request]) -> None:
        """Hands over a new wave. If no answer comes, the provider is asked whether it has the wave.

        Raises:
            ProviderError: it was not accepted, or it cannot be told whether it was. In the first case nothing is left
                of the record.
        """
        wave, unknown, tries = self._wave, False, 0
        while True:
            if unknown and await self._found():
                return
            try:
                wave.handed_over(await self._batches.submit(wave.name, list(requests.items())))
            except ProviderError as fault:
                unknown = unknown or fault.perhaps_paid
                tries += 1
                if tries > self._max_retries or not fault.retryable:
                    if not unknown:
                        wave.forget()
                    raise
                await self._stop.sleep(max(self._settings.poll_s, fault.retry_after_s))
            else:
                log.info("%s: %d requests handed over as %s", wave.model, len(requests), wave.batch)
                return

    async def find_again(self) -> None:
        """Looks for the batch of a wave that an earlier run wrote.

        Raises:
            LostWaveError: the provider does not have it. Nothing is left of its record.
            ProviderError: the provider cannot be asked.
        """
        if self._wave.batch is None and not await self._found():
            self._wave.forget()
            raise LostWaveError

    async def outcomes(self, ids: Iterable[str]) -> dict[str, Outcome]:
        """Waits until the batch has ended, then fetches the replies and faults of these requests, by id.

        Raises:
            StoppedError: play is to end.
            ProviderError: the provider refuses to tell.
        """
        batch, wait_s = self._wave.batch, self._settings.poll_s
        assert batch is not None
        while not (self._wave.ended or await self._told(lambda: self._batches.ended(batch))):
            await self._stop.sleep(wait_s)
            wait_s = self._longer(wait_s)
        return await self._told(lambda: self._batches.results(batch, ids))

    async def _found(self) -> bool:
        """Whether the provider has the wave. One that left just now may take a while to show there."""
        wave, wait_s = self._wave, self._settings.poll_s
        while True:
            found = await self._told(lambda: self._batches.find(wave.name, len(wave.requests), since=wave.at))
            if found.batch is not None:
                wave.handed_over(found.batch)
                return True
            if found.sure and time.time() > wave.at + self._settings.poll_s:
                return False
            await self._stop.sleep(wait_s)
            wait_s = self._longer(wait_s)

    async def _told(self, ask: Callable[[], Awaitable[Told]]) -> Told:
        """Asks until the provider answers. Meanwhile it works on the batch, which costs nothing more.

        Raises:
            FatalFault: it refuses to answer.
        """
        wait_s = self._settings.poll_s
        while True:
            try:
                return await ask()
            except ProviderError as fault:
                if not fault.retryable:
                    advice = f"the batch of {self._wave.path} is still owed; delete that file to give its replies up"
                    raise FatalFault(f"{fault}; {advice}", kind=fault.kind, cause=fault.cause) from None
                log.warning("%s; asked again in %g s", fault, wait_s)
                await self._stop.sleep(max(wait_s, fault.retry_after_s))
                wait_s = self._longer(wait_s)

    def _longer(self, wait_s: float) -> float:
        return min(SLOWER * wait_s, self._settings.longest_poll_s)
