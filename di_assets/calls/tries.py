"""The tries of one call that failed so far: what they may have cost, and how the provider named them."""

from dataclasses import dataclass

from di_assets.providers.types import FaultKind, ProviderError
from di_assets.tables.words import BATCH


@dataclass(slots=True)
class Tries:
    """The failed tries of one call so far.

    Attributes:
        retried: kinds of their faults, in order.
        request_ids: the ids that the provider gave to them.
        cost_usd: what they may have cost together, US dollars.
        used_s: seconds in flight and between tries; waiting for limits is not counted.
        fault: the last fault.
    """

    retried: tuple[FaultKind, ...] = ()
    request_ids: tuple[str, ...] = ()
    cost_usd: float = 0.0
    used_s: float = 0.0
    fault: ProviderError | None = None

    def failed(self, fault: ProviderError) -> None:
        """Adds a failed try. Kinds and ids of all tries are written into its fault."""
        self.cost_usd = fault.cost_usd
        fault.retried, self.retried = self.retried, (*self.retried, fault.kind)
        if fault.request_id is not None:
            self.request_ids = (*self.request_ids, fault.request_id)
        fault.request_id, self.fault = self.named(), fault

    def named(self, last: str | None = None) -> str | None:
        """The request ids of all tries, separated by spaces; None if there is none."""
        return " ".join((*self.request_ids, *([last] if last else []))) or None

    def ended_by(self, error: BaseException) -> BaseException:
        """The error of this call for one that ended several calls at once; a fault gets what these tries cost."""
        if not isinstance(error, ProviderError):
            return error
        fault = error.copy()
        fault.cost_usd = fault.bound_usd = self.cost_usd
        fault.engine = BATCH
        self.failed(fault)
        return fault
