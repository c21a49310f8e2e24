"""Puts the asset graph together: assets, their checks, and the two jobs that materialise them."""

import warnings

import dagster as dg

from di_assets.assets.automation import downstream
from di_assets.assets.checked import batch_checks
from di_assets.assets.events import code_version, events_asset, partitions
from di_assets.assets.freshness import freshness_checks
from di_assets.assets.home import Home
from di_assets.assets.measured import batch_asset, whole_asset
from di_assets.assets.outcome import Outcome
from di_assets.assets.playing import POOL
from di_assets.assets.published import figure_asset, summary
from di_assets.measures.declared import by_batch, over_all
from di_assets.report.questions.registry import QUESTIONS

# Dagster is pinned with ==, so its beta features can't change unexpectedly.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

PLAY, REPORT = "play_batches", "publish_report"


def build(home: Home, *, outcome: Outcome | None = None, pool: str | None = POOL) -> dg.Definitions:
    """Assets, checks, jobs and automation of this installation.

    Args:
        home: the installation.
        outcome: collects the results of the runs in this process; None if nobody needs them.
        pool: name of the pool whose slots limit the runs that play.
    """
    batches = partitions(home.configs)
    of_batches = [
        events_asset(batches, code_version=code_version(home.configs), pool=pool),
        *(batch_asset(measure, batches) for measure in by_batch()),
    ]
    of_all = [*map(whole_asset, over_all()), summary, *map(figure_asset, QUESTIONS.values())]
    checks = batch_checks(batches)
    fresh = freshness_checks(home.configs)
    play = dg.define_asset_job(
        PLAY,
        # Freshness concerns the report only: no batch depends on another arm's nights.
        dg.AssetSelection.assets(*of_batches).without_checks() | dg.AssetSelection.checks(*checks),
        description="Plays what a batch does not hold yet, measures it, checks it.",
    )
    report = dg.define_asset_job(
        REPORT,
        dg.AssetSelection.assets(*of_all) | dg.AssetSelection.checks(*fresh),
        description="Aggregates over all batches, summary.json and the figures.",
    )
    return dg.Definitions(
        assets=[*of_batches, *of_all],
        asset_checks=[*checks, *fresh],
        jobs=[play, report],
        sensors=[downstream()],
        resources={"home": home, "outcome": outcome or Outcome()},
        executor=dg.in_process_executor,
    )
