"""Plays arms from the command line: checks before play, the line of progress, and the lines at the end."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

import click

from di_assets.arms import Arm, batches, new_launch
from di_assets.assets.events import sentence
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.calls.tally import Tally
from di_assets.cli.counts import Counts
from di_assets.cli.endings import BadInput, WorkFailed
from di_assets.cli.places import open_home_of
from di_assets.cli.progress import progress
from di_assets.control_room.runs import RunInterruptedError, materialise_batches, materialise_report
from di_assets.play.batch import BatchResult
from di_assets.play.keys import check_keys, models_needed
from di_assets.play.launches import add_launch, launches


def play_arms(
    options: dict[str, str],
    names: Sequence[str],
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    launch: bool = False,
    as_json: bool = False,
) -> Home:
    """Plays the missing episodes of these arms, makes the report, and prints one line per batch.

    Args:
        options: the options of `di` itself.
        names: the names of the arms.
        limit: the most episodes of each arm, and the most pairs of arms that mirror one another; None plays all.
        budget_usd: the most to spend on all arms together, US dollars; with None only the arms' budgets hold.
        launch: launch arms with `relaunch: true` once more.
        as_json: print each line as a JSON object.

    Raises:
        RunInterruptedError: a person or the system ended the run; what was played is kept.
        WorkFailed: an episode failed, or play stopped early; episodes are left to play.
    """
    with progress() as line:
        line.title("preparing")
        counts: Counts | None = None
        outcome = Outcome()

        def hear(batch: str, done: int, total: int, tally: Tally) -> None:
            if counts is not None:
                line.hear(counts.of(batch, done, total, tally))

        home = open_home_of(options, writing=True, progress=hear)
        arms = [home.configs.arm(name) for name in dict.fromkeys(names)]
        _prepare(home, arms, launch=launch)
        counts = Counts(home, outcome, arms, budget_usd)
        interrupted: RunInterruptedError | None = None
        try:
            every = [batch for arm in arms for batch in batches(arm)]
            materialise_batches(home, every, limit=limit, budget_usd=budget_usd, outcome=outcome)
            line.title("report")
            materialise_report(home)
        except RunInterruptedError as reason:
            interrupted = reason
    for result in outcome.results:
        click.echo(json.dumps(asdict(result)) if as_json else sentence(result))
    if interrupted is not None:
        raise interrupted
    _check_all_played(outcome.results)
    return home


def _prepare(home: Home, arms: Sequence[Arm], *, launch: bool) -> None:
    """Checks what would end the run half-way (keys, for example), then launches arms, all with the same time."""
    for arm in arms:
        if launch and not arm.relaunch:
            raise BadInput(f"{arm.name} is launched once; only arms with `relaunch: true` take --launch")
    launched = [arm for arm in arms if arm.relaunch and (launch or not launches(home.warehouse, arm))]
    needed = models_needed(arms, home.warehouse, launching=[arm.name for arm in launched])
    check_keys(home.configs, needed)
    if home.configs.play.engine == "dask" and not home.configs.is_free(needed):
        click.echo("keys are each worker's own on a Dask cluster: they are not looked at here", err=True)
    now = new_launch(datetime.now(tz=UTC))
    for arm in launched:
        add_launch(home.warehouse, arm, now)


def _check_all_played(results: Sequence[BatchResult]) -> None:
    """Returns if no batch failed or stopped.

    Raises:
        WorkFailed: some are left.
    """
    undone = [result for result in results if result.failed or result.stopped]
    if not undone:
        return
    left = sum(result.left for result in undone)
    held_back = [line for result in undone for line in result.held_back]
    if held_back:
        more = f" (and {len(held_back) - 1} more journals)" if len(held_back) > 1 else ""
        raise WorkFailed(f"{held_back[0]}{more}; then run the same again: {left} episodes are left to play")
    raise WorkFailed(f"{left} episodes are left to play; run the same again to resume them")
