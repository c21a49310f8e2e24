"""A provider's batch interface: many requests handed over at once, answered within a day, at a lower price.

Each dialect that has one implements `Batches`. A batch is handed over under a name of ours, the wave, so that it is
found again if this process ended before the provider's answer came.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from di_assets.providers.answers import Answer
from di_assets.providers.sdk import SdkProvider
from di_assets.providers.types import BrokenReplyFault, Completion, ProviderError, Request, TransportFault

Outcome = Completion | ProviderError
# A batch may have been created a little before it was asked for: the provider's clock differs from ours.
CLOCKS_APART_S = 600.0
PAGE = 100


class Found(NamedTuple):
    """What a search for a batch brought.

    Attributes:
        batch: the provider's id of the batch; None if none was found.
        sure: False if the provider does not tell yet whether one of its batches is the one.
    """

    batch: str | None
    sure: bool = True


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """The most requests and bytes that a provider takes in one batch."""

    requests: int
    bytes: int


class Batches(ABC):
    """The batch interface of one model's server.

    Args:
        provider: the client of the model; its address, key and bodies are used.

    Attributes:
        limits: the most that goes into one batch.
    """

    limits: BatchLimits

    def __init__(self, provider: SdkProvider) -> None:
        self.provider = provider

    @abstractmethod
    async def submit(self, wave: str, requests: Sequence[tuple[str, Request]]) -> str:
        """Hands requests over, each with an id of its own. Returns the provider's id of the batch.

        Raises:
            ProviderError: it was not accepted; if `perhaps_paid`, it may have been accepted without an answer.
        """

    @abstractmethod
    async def find(self, wave: str, n: int, *, since: float) -> Found:
        """Looks for the batch of a wave of n requests that was handed over at `since` (seconds since the epoch).

        Raises:
            ProviderError: the provider cannot be asked.
        """

    @abstractmethod
    async def ended(self, batch: str) -> bool:
        """Whether the provider works no more on a batch.

        Raises:
            ProviderError: the provider cannot be asked.
        """

    @abstractmethod
    async def results(self, batch: str, ids: Iterable[str]) -> dict[str, Outcome]:
        """The reply or the fault of each of these requests, by id. A fault that is not billed is not `perhaps_paid`.

        Raises:
            ProviderError: the results cannot be fetched.
        """

    def unbilled(self, answer: Answer) -> Outcome:
        """What an error in the results means. Errors in batches are not billed."""
        outcome = self.provider.sort(answer)
        if isinstance(outcome, ProviderError):
            outcome.perhaps_paid = False
        return outcome

    def not_done(self, why: str) -> ProviderError:
        """The fault of a request that the provider did not work on; asking again may bring a reply."""
        text = f"{self.provider.endpoint.name}: not answered in its batch ({why})"
        return self.provider.fault_without_key(TransportFault(text, kind="timeout", retryable=True))

    def missing(self) -> ProviderError:
        """The fault of a request of which the results of a completed batch say nothing. It may be billed."""
        text = f"{self.provider.endpoint.name}: the results of its batch do not hold it"
        return BrokenReplyFault(text, kind="broken_reply", retryable=True, perhaps_paid=True)


def json_lines(data: bytes) -> Iterator[Mapping[str, Any]]:
    """Yields the objects in JSON lines; what is no object is left out."""
    for line in data.splitlines():
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def add(outcomes: dict[str, Outcome], custom_id: object, outcome: Outcome) -> None:
    """Keeps an outcome. Results may come twice: the first counts, but a reply counts before a fault."""
    if isinstance(custom_id, str):
        before = outcomes.get(custom_id)
        if before is None or (isinstance(outcome, Completion) and not isinstance(before, Completion)):
            outcomes[custom_id] = outcome
