"""`di repair`: damaged files are made good, from a copy, from the stored replies, or by measuring again.

What is replaced is put aside first. An episode whose replies are gone is marked, and played again by the next run.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl

from di_assets.agents.prompts import Prompts
from di_assets.arms import plan
from di_assets.assets.events import arm_of
from di_assets.assets.home import Home
from di_assets.assets.measured import measure_all, measure_batch
from di_assets.calls.call import Header
from di_assets.calls.salvage import inspect, salvage
from di_assets.labelling.stored import locked_labels
from di_assets.measures.declared import by_batch, over_all
from di_assets.play.batch import locked_batch
from di_assets.play.launches import launches
from di_assets.play.remake import Remade, keep_cost, remade, whole_replies
from di_assets.play.seating import header
from di_assets.tables import EVENT_TABLES, TABLES, Damage
from di_assets.tables.damage import file_name

EVENTS = tuple(table.name for table in EVENT_TABLES)
PASSES = 4  # what a file is may show only after its record is made good


@dataclass(slots=True)
class Repair:
    """A repair of a warehouse.

    Attributes:
        home: what is repaired.
        do: it is done; else it is only said what would be.
        say: takes a line for each thing that is done.
        done: how many things were done, or would be.
        failed: how many could not be, lost episodes among them.
        again: arms of which episodes were lost.
    """

    home: Home
    do: bool
    say: Callable[[str], None]
    done: int = 0
    failed: int = 0
    again: set[str] = field(default_factory=set)
    _hopeless: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Repairs what can be; says what is done and what cannot be."""
        self._journals()
        for _ in range(PASSES if self.do else 1):
            wrong = [one for one in self._wrong() if one.file not in self._hopeless]
            if not wrong:
                return
            records = [one for one in wrong if one.kind == "damaged" and one.file.startswith("record/")]
            for one in records:
                self._record(one)
            if not (records and self.do):
                self._files(wrong)

    def _journals(self) -> None:
        """Replies that are in no table yet: what still reads is kept, and only what does not is asked again."""
        warehouse = self.home.warehouse
        for folder in sorted(path for path in warehouse.journal.glob("*") if path.is_dir()):
            if inspect(folder):
                with locked_batch(folder) if self.do else nullcontext():
                    self._salvaged(folder, partial(self._header, folder.name))
        models = warehouse.labels / "models"
        with ExitStack() as held:
            for found in inspect(models) if self.do else ():
                held.enter_context(locked_labels(warehouse, found.path.with_suffix(".jsonl")))
            self._salvaged(models, lambda _: None)

    def _salvaged(self, folder: Path, header_of: Callable[[str], Header | None]) -> None:
        aside = self.home.warehouse.root / "quarantine"
        for found in salvage(folder, aside, header_of=header_of) if self.do else inspect(folder):
            self._told(str(found))

    def _header(self, batch: str, episode_id: str) -> Header | None:
        """What an episode is played with today."""
        configs, name = self.home.configs, arm_of(batch)
        if name not in configs.arms:
            return None
        arm = configs.arms[name]
        planned = plan(arm, launches=launches(self.home.warehouse, arm), batch=batch)
        prompts = Prompts.load(configs.prompts)
        return next((header(one, arm, configs, prompts) for one in planned if one.episode_id == episode_id), None)

    def _wrong(self) -> list[Damage]:
        warehouse = self.home.warehouse
        found = [one for one in warehouse.damage() if one.kind != "newer"]
        known = {one.file for one in found}
        return [*found, *(one for one in warehouse.changed() if one.file not in known)]

    def _record(self, one: Damage) -> None:
        self._told(f"{one.file}: {one.what}: made anew from the files as they are")
        if self.do:
            self.home.warehouse.aside.move(one.file)
            self.home.warehouse.adopt(one.of)

    def _files(self, wrong: list[Damage]) -> None:
        damaged = [one for one in wrong if one.kind == "damaged" and one.file.startswith("tables/")]
        strays = [one for one in wrong if one.kind == "stray"]
        left = self._restored(damaged, [one.file for one in wrong])
        batches = sorted({one.of for one in left if one.of not in TABLES})
        for batch in batches:
            self._batch(batch, {_table(one): one for one in left if one.of == batch})
        self._whole([one for one in left if one.of in TABLES])
        for one in strays:
            self._told(f"{one.file}: {one.what}: put aside")
            if self.do:
                self.home.warehouse.aside.move(one.file)

    def _restored(self, damaged: list[Damage], names: Iterable[str]) -> list[Damage]:
        """Those of these of which there is no copy; the others are made good."""
        warehouse = self.home.warehouse
        copies = warehouse.aside.by_checksum(names) if damaged else {}
        found: list[tuple[Damage, str, bytes]] = []
        for one in damaged:
            states = warehouse.recorded(one.of).tables.get(_table(one), ())
            copy = next((copies[state.sha256] for state in states if state and state.sha256 in copies), None)
            # Read before anything is replaced: two files may stand in each other's place.
            data = None if copy is None else warehouse.aside.storage.read(copy)
            if copy is not None and data is not None:
                found.append((one, copy, data))
        for one, copy, data in found:
            self._told(f"{one.file}: {one.what}: restored from {copy}, which is what was written")
            if self.do:
                warehouse.aside.copy(one.file)
                warehouse.aside.storage.write(one.file, data)
        good = {one.file for one, _, _ in found}
        return [one for one in damaged if one.file not in good]

    def _batch(self, batch: str, wrong: dict[str, Damage]) -> None:
        configs, name = self.home.configs, arm_of(batch)
        if name not in configs.arms:
            for one in wrong.values():
                self._cannot(one, f"the arm {name!r} is not configured; put its file back, then repair again")
            return
        with locked_batch(self.home.warehouse.journal / batch):
            try:
                if any(table in EVENTS for table in wrong):
                    self._events(batch, wrong)
            except KeyError as missing:
                for one in wrong.values():
                    self._cannot(one, f"{missing} is not configured as it was; put it back, then repair again")
                return
            self._measures(batch, wrong)

    def _events(self, batch: str, wrong: dict[str, Damage]) -> None:
        home, arm = self.home, self.home.configs.arms[arm_of(batch)]
        sound = {name: home.warehouse.read(name, batch) for name in EVENTS if name not in wrong}
        episodes, calls = sound.get("episodes"), sound.get("calls")
        if calls is None:
            calls = home.warehouse.aside.what_reads(file_name("calls", batch), "calls")
            if episodes is not None:
                whole = whole_replies(calls, episodes)
                calls = calls.filter(pl.col("episode_id").is_in(whole))
        held = [episodes] if episodes is not None else [calls, *sound.values(), *self._measured(batch, wrong)]
        ids = sorted({key for frame in held for key in frame["episode_id"]})
        self._say_nameless(batch, len(ids))
        made = remade(home.configs, arm, batch, home.warehouse, calls=calls, episodes=episodes, ids=ids)
        tables = [name for name in EVENTS if name in wrong or made.lost or "calls" in wrong]
        for table in sorted(tables, key=lambda name: name == "episodes"):
            what = wrong[table].what if table in wrong else "holds episodes whose replies are lost"
            self._told(f"{file_name(table, batch)}: {what}: made again {_from(table, made, calls)}")
            if self.do:
                home.warehouse.aside.copy(file_name(table, batch))
        self._say_lost(batch, made)
        if self.do:
            keep_cost(home.configs, arm, batch, home.warehouse, made.lost)
            chosen = {name: made.frames[name] for name in sorted(tables, key=lambda name: name == "episodes")}
            home.warehouse.commit(batch, chosen)

    def _measured(self, batch: str, wrong: dict[str, Damage]) -> list[pl.DataFrame]:
        """The measures of a batch that are sound: they, too, tell which episodes there were."""
        known = [measure.name for measure in by_batch() if measure.name not in wrong]
        return [self.home.warehouse.read(name, batch) for name in known]

    def _say_nameless(self, batch: str, n: int) -> None:
        """Says how many episodes there were of which no file tells any more."""
        states = self.home.warehouse.recorded(batch).tables.get("episodes", ())
        missing = max((state.rows for state in states if state is not None), default=0) - n
        if missing > 0:
            self.failed += missing
            self.again.add(arm_of(batch))
            self.say(
                f"{batch}: no file tells of {missing} episodes any more; `di run {arm_of(batch)}` plays them again"
            )

    def _say_lost(self, batch: str, made: Remade) -> None:
        if not made.lost:
            return
        arm = arm_of(batch)
        known = [cost for cost in made.lost.values() if cost is not None]
        cost = f"they had cost ${sum(known):.2f}" if len(known) == len(made.lost) else "what they had cost is lost, too"
        n = len(made.lost)
        self.failed += n
        self.again.add(arm)
        self.say(
            f"{batch}: the replies of {n} episodes are lost; {cost}, and `di run {arm}` plays them again "
            f"for about as much: {', '.join(list(made.lost)[:3])}{', ...' if n > 3 else ''}"
        )

    def _measures(self, batch: str, wrong: dict[str, Damage]) -> None:
        """All measures of a batch: each may rest on what was made again."""
        known = {*self.home.warehouse.recorded(batch).tables, *wrong}
        for measure in by_batch():
            if (name := measure.name) not in known:
                continue
            if name in wrong:
                self._told(f"{file_name(name, batch)}: {wrong[name].what}: measured again")
            if self.do:
                if name in wrong:
                    self.home.warehouse.aside.copy(file_name(name, batch))
                measure_batch(self.home, measure, batch)

    def _whole(self, wrong: list[Damage]) -> None:
        by_name = {one.of: one for one in wrong}
        for measure in over_all():
            one = by_name.get(measure.name)
            if one is None:
                continue
            more = "; looks taken before are in quarantine/ alone" if one.of == "looks" else ""
            self._told(f"{one.file}: {one.what}: measured again{more}")
            if self.do:
                self.home.warehouse.aside.move(one.file)
                self.home.warehouse.forget(one.of)
                measure_all(self.home, measure)

    def _told(self, line: str) -> None:
        self.done += 1
        self.say(line)

    def _cannot(self, one: Damage, why: str) -> None:
        self.failed += 1
        self._hopeless.add(one.file)
        self.say(f"{one.file}: {one.what}: can't be repaired: {why}")


def _table(one: Damage) -> str:
    """The table that a damaged file is of."""
    return one.of if one.of in TABLES else one.file.split("/")[1]


def _from(table: str, made: Remade, calls: pl.DataFrame) -> str:
    if table == "calls" or not calls.height:
        return "of what is left, scripted agents playing anew" if not made.lost else "of what is left"
    return "from the stored replies"
