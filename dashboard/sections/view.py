"""Which part of an episode is shown, and links that keep the choice."""

from dataclasses import dataclass, field
from hashlib import sha256

from dashboard.untrusted import reader_link
from di_assets.report.reader.choosing import Wanted

# Keys of the address that stay the same from one episode to the next.
KEPT = ("blind", "kind", "seat", "view", "q", "fold")


def code_of(episode_id: str) -> str:
    """The code for an episode in the address in blind mode.

    The episode's id would name the model; the code does not.
    """
    return sha256(episode_id.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class View:
    """What is shown of an episode.

    Attributes:
        episode_id: the episode.
        marked: its event in the address; None if there is none.
        problem: what is wrong with the event in the address.
        blind: no model is named.
        fold: rounds are folded, except for the marked one.
        wanted: which events are wanted.
        seat: the view of this seat; None for everything.
        filters: the part of the address that stands for these choices.
    """

    episode_id: str
    marked: int | None = None
    problem: str | None = None
    blind: bool = False
    fold: bool = False
    wanted: Wanted = field(default_factory=Wanted)
    seat: int | None = None
    filters: dict[str, str] = field(default_factory=dict)

    def link(self, event_id: int | None = None, *, episode_id: str | None = None, **changed: str) -> str:
        """Address of an event of this episode, or of another episode, with the same choices.

        Blind, it names no model.
        """
        filters = {**self.filters, **changed}
        if episode_id is not None:
            filters = {name: self.filters.get(name, "") for name in KEPT}
        name = episode_id or self.episode_id
        return reader_link(code_of(name) if self.blind else name, event_id, **filters)


class LocalView(View):
    """An episode whose events are on this page."""

    __slots__ = ()

    def link(self, event_id: int | None = None, *, episode_id: str | None = None, **changed: str) -> str:
        """The address of the event on the page."""
        del episode_id, changed
        return "#" if event_id is None else f"#e-{event_id}"
