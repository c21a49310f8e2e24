"""Repairs damaged journals and damaged lists of requests in flight. What can be read is used again.

`inspect(folder)` lists the damaged files in the folder of a batch's journals (or of models' labels); it changes
nothing. `salvage(folder, aside)` moves each damaged file to `aside`, unchanged, and writes its readable part in its
place. The caller must hold the folder's lock (`locked_batch` of play), so that nobody plays there. The next run uses
the replies that can be read and asks for the others; it does not touch other episodes:

    for found in inspect(warehouse.journal / batch):
        print(found)
    with locked_batch(warehouse.journal / batch):
        salvage(warehouse.journal / batch, warehouse.root / "quarantine")

A line that cannot be read may have been a reply that cost money. It becomes a call with the status `interrupted`. Its
place in the game is kept if that part of the line can be read. Its cost is the highest known cost limit of a call in
the folder. The same holds for a request that cannot be read in a list of requests in flight, or is missing there.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from math import ceil
from pathlib import Path
from statistics import median

from di_assets.calls.call import NO_REPLY, Call, Header, interrupted
from di_assets.calls.in_flight import (
    COUNT_SUFFIX,
    SLOT_BYTES,
    InFlight,
    Request,
    delete,
    left_in_flight,
    lists_in,
    used_slots,
)
from di_assets.calls.journal_file import Lines, lines_of, record_of, sealed_for
from di_assets.calls.place import Place
from di_assets.calls.sealed import sealed
from di_assets.tables.quarantine import name_aside
from di_assets.tables.storage import replacing
from di_assets.tables.words import INTERRUPTED, PHASES, PULL

# The beginning of a call's line: its place, then the hash of the request.
_NAMED = ",".join(
    f'"{name}":"(?P<{name}>{"|".join(PHASES)})"' if name == "phase" else rf'"{name}":(?P<{name}>\d{{1,18}})'
    for name in Place._fields
)
_PLACE = re.compile(_NAMED.encode() + rb'(?:,"request_hash":"(?P<hash>[\w/.-]{1,200})")?')
_EPISODE = re.compile(rb'"([\w.-]{1,200})"')
_EPISODE_ID = re.compile(r"[\w.-]*\w[\w.-]*")
_UNKNOWN = Request("", Place(1, PULL, 0, 0, 0), "", 0.0, 0.0)
SECOND = "another reply to this question stands before it in the journal; only its cost counts"
# A first line longer than this held more than a header, bytes.
MOST_HEADER = 500
LOST = "its line in the journal could not be read; it is counted as the most it can have cost"


@dataclass(frozen=True, slots=True)
class Finding:
    """A damaged file.

    Attributes:
        path: the file.
        what: what is wrong with it, as a clause of a sentence.
        kept: number of calls or requests in it that can be read.
        lost: about how many cannot be read.
        lost_usd: the cost that is counted for those, US dollars.
        put_aside: where the damaged file was moved to; None if nothing was done yet, or the file is missing.
    """

    path: Path
    what: str
    kept: int
    lost: int
    lost_usd: float
    put_aside: Path | None = None

    def __str__(self) -> str:
        """One line."""
        counted = f", the other {self.lost} count as ${self.lost_usd:.4f}" if self.lost else ""
        if self.lost and not self.lost_usd:
            counted = f", what the other {self.lost} cost is unknown"
        return f"{self.path}: {self.what}: {self.kept} of its calls read and are used{counted}"


def calls_in(path: Path) -> list[Call]:
    """A journal's calls. For lines that cannot be read it has calls at the most they can have cost (see `_lost`)."""
    held = lines_of(path)
    return [*held.calls, *_lost(path, held, _most_usd(path.parent))] if held.bad else held.calls


def requests_in(folder: Path) -> list[Request]:
    """The requests in flight of a folder. Those that cannot be read count as the most they can have cost."""
    return [*left_in_flight(folder), *(lost for path in lists_in(folder) for lost in _lost_requests(path))]


def held_and_cut(folder: Path) -> dict[str, tuple[list[Call], list[Call]]]:
    """The calls of each episode of a folder, by episode, sorted: those in its journal, and those without a reply.

    The second are requests that were in flight when play ended. They become calls when their episode is played on. What
    cannot be read counts as the most it can have cost.
    """
    held = {path.stem: calls_in(path) for path in folder.glob("*.jsonl")}
    out = requests_in(folder)
    both = {}
    for episode in sorted({*held, *(request.episode_id for request in out)}):
        calls = held.get(episode, [])
        both[episode] = calls, list(interrupted((one for one in out if one.episode_id == episode), calls))
    return both


def inspect(folder: Path) -> list[Finding]:
    """Finds the damaged journals, then the damaged lists of requests, of a folder, each by name; changes nothing."""
    return [found for found, _, _ in _looked_at(folder)]


def salvage(folder: Path, aside: Path, *, header_of: Callable[[str], Header | None] = lambda _: None) -> list[Finding]:
    """Copies the damaged files of a folder to `aside`, and writes their readable parts in their place.

    Args:
        folder: the folder of a batch's journals; the caller holds its lock.
        aside: the folder for the damaged files.
        header_of: gives the header for an episode id, or None. It is asked for a journal whose header cannot be read,
            if no other journal of the folder has a header to copy. If it gives None, the journal is only moved aside.

    Returns:
        One finding for each damaged file, in the order of `inspect`.
    """
    work = list(_looked_at(folder))
    done = []
    for found, _, _ in work:  # all before anything is written: two journals may stand in each other's place
        aside.mkdir(parents=True, exist_ok=True)
        there = aside / name_aside(f"{folder.parent.name}/{folder.name}/{found.path.name}")
        if found.path.is_dir():
            found.path.rename(there)
        elif not found.path.exists():
            done.append(found)
            continue
        else:
            with replacing(there) as temporary:
                temporary.write_bytes(found.path.read_bytes())
        done.append(replace(found, put_aside=there))
    for _, _, repair in work:
        repair(header_of)
    for path in {found.path for found, _, _ in work} - {written for _, written, _ in work}:
        path.unlink(missing_ok=True)
    return done


def _looked_at(folder: Path) -> Iterator[tuple[Finding, Path | None, Callable[[Callable[[str], Header | None]], None]]]:
    """Yields for each damaged file: the finding, the file that replaces it (or None), and a function that writes it."""
    most = _most_usd(folder)
    taken: set[Path] = set()
    for path in sorted(folder.glob("*.jsonl")):
        held = lines_of(path)
        if held.header is not None and _is_stranger(held.header, path):
            what = f"it is a journal of {held.header.episode_id}, as its header says"
            there = _own_place(held.header, path)
            if there is None or there in taken:
                yield Finding(path, f"{what}, which has one", 0, 0, 0.0), None, lambda _: None
                continue
            taken.add(there)
            lost = list(_lost(path, held, most))
            found = Finding(path, f"{what}, and goes there", len(held.calls), len(lost), sum(c.cost_usd for c in lost))
            yield found, there, _journal_writer(there, held.header, [*held.calls, *lost])
        elif held.bad:
            lost = list(_lost(path, held, most))
            usd = sum(call.cost_usd for call in lost)
            found = Finding(path, _what(held), len(held.calls), len(lost), usd)
            yield found, path, _journal_writer(path, held.header, [*held.calls, *lost])
    for path in lists_in(folder):
        count = path.with_suffix(COUNT_SUFFIX)
        if count.is_dir():
            yield Finding(count, "it is a folder, where a file belongs", 0, 0, 0.0), count, lambda _: None
        n = sum(slot.request is None for slot in used_slots(path))
        if n:
            requests, lost_ones = left_in_flight(path), _lost_requests(path)
            what = f"up to {n} requests in it cannot be read and may have been billed"
            yield (
                Finding(path, what, len(requests), n, sum(one.most_usd for one in lost_ones)),
                path,
                _list_writer(path, [*requests, *lost_ones]),
            )


def _is_stranger(header: Header, path: Path) -> bool:
    return "--" in path.stem and header.episode_id != path.stem and not header.is_shared


def _own_place(header: Header, path: Path) -> Path | None:
    """The right path of a journal that has another episode's name; None if its episode has a journal already."""
    if not _EPISODE_ID.fullmatch(header.episode_id):
        return None
    there = path.with_name(f"{header.episode_id}.jsonl")
    held = lines_of(there) if there.exists() else None
    return there if held is None or (held.header is not None and _is_stranger(held.header, there)) else None


def _what(held: Lines) -> str:
    number, more = held.bad[0][0], len(held.bad) - 1
    zeros = max(line.count(b"\0") for _, line in held.bad)
    where = f" ({zeros} zero bytes, which held an unknown number of calls)" if zeros >= MOST_HEADER else ""
    return f"line {number}{f' and {more} more' if more else ''} cannot be read{where}"


def _most_usd(folder: Path) -> float:
    """The highest cost or cost limit of all readable calls and requests in the folder, US dollars; 0 if none."""
    calls = (call for path in folder.glob("*.jsonl") for call in lines_of(path).calls)
    known = [max(call.cost_usd, call.bound_usd or 0.0) for call in calls]
    return max([*known, *(request.most_usd for request in left_in_flight(folder))], default=0.0)


def _lost(path: Path, held: Lines, most_usd: float) -> Iterator[Call]:
    """Yields calls with the status `interrupted` for the bad lines of a journal.

    One call per line, each at `most_usd`. A second reply to a question counts at its own cost. A long line whose place
    cannot be read counts as several calls, by its length and the median length of the readable lines. Damaged header
    lines cost nothing and are left out.
    """
    usual = median([len(sealed(call._asdict())) for call in held.calls] or [1_000])
    at = max((call.started_at for call in held.calls), default=0.0)
    for number, line in held.bad:
        read = record_of(line, of=sealed_for(path, held.header))
        if isinstance(read, Call):
            yield read._replace(status=INTERRUPTED, error=SECOND, text="", reasoning=None, stop=NO_REPLY)
            continue
        place = _PLACE.search(line)
        is_header = number == 1 or line.startswith(b'{"episode_id"')
        length = len(line) - is_header * MOST_HEADER
        if is_header and not place and length <= 0:
            continue  # a header alone, which cost nothing
        zeros = line.count(b"\0")  # may have been several lines
        n = int(zeros // usual) + (1 if place else max(1, ceil((length - zeros) / (2 * usual))))
        at_place, asked = _UNKNOWN.place, ""
        if place:
            at_place = Place._make(
                place[name].decode() if name == "phase" else int(place[name]) for name in Place._fields
            )
            asked = (place["hash"] or b"").decode()
        request = replace(_UNKNOWN, place=at_place, request_hash=asked, most_usd=most_usd, at=at)
        for call in interrupted([request] * n, []):
            yield call._replace(error=LOST)


def _lost_requests(path: Path) -> list[Request]:
    """The requests that stand for the slots of a list that cannot be read, each at the most it can have cost.

    Slots that name an episode give one request of that episode. All others together give one request, of an episode
    that has a journal or another request here; none if there is no such episode.
    """
    unread = [slot.number for slot in used_slots(path) if slot.request is None]
    if not unread:
        return []
    data = path.read_bytes() if path.is_file() else b""
    slots = [data[number * SLOT_BYTES : (number + 1) * SLOT_BYTES] for number in unread]
    named = [next((one.decode() for one in _EPISODE.findall(slot[:250]) if b"--" in one), None) for slot in slots]
    journals = sorted(path.parent.glob("*.jsonl"), key=lambda one: (one.stem != path.stem, one))
    headers = [(one, lines_of(one).header) for one in journals[:1]]
    known = [one.stem if header is None else header.episode_id for one, header in headers]
    known += [request.episode_id for request in left_in_flight(path)]
    counts = Counter(episode or next(iter(known), None) for episode in named)
    most = _most_usd(path.parent)
    # The time is now: later than every stored call, so that no stored call covers this request.
    one = replace(_UNKNOWN, at=time.time())
    return [replace(one, episode_id=episode, most_usd=n * most) for episode, n in counts.items() if episode is not None]


def _journal_writer(
    path: Path, header: Header | None, calls: list[Call]
) -> Callable[[Callable[[str], Header | None]], None]:
    def write(header_of: Callable[[str], Header | None]) -> None:
        first = header or _neighbours(path) or header_of(path.stem)
        if first is None:
            path.unlink(missing_ok=True)
            return
        with replacing(path) as temporary:
            temporary.write_bytes(
                b"".join([sealed(asdict(first)), *(sealed(call._asdict(), of=first.sealed_for) for call in calls)])
            )

    return write


def _neighbours(path: Path) -> Header | None:
    """A header for this episode, copied from another journal of the same batch; None if none can be read."""
    for other in sorted(path.parent.glob("*.jsonl")):
        held = lines_of(other).header if other != path else None
        if held is not None and not _is_stranger(held, other):
            return replace(held, episode_id=path.stem)
    return None


def _list_writer(path: Path, requests: list[Request]) -> Callable[[Callable[[str], Header | None]], None]:
    def write(_: Callable[[str], Header | None]) -> None:
        delete(path)
        listed = InFlight(path)
        for request in requests:
            listed.out(request)
        listed.close()

    return write
