"""The whole asset graph put together. `dagster dev` loads `defs`; `di run` builds the same with its own folders."""

import warnings

import dagster as dg

from di_assets.assets.alerts import alerts
from di_assets.assets.automation import downstream
from di_assets.assets.checked import batch_checks
from di_assets.assets.events import code_version, events_asset, partitions
from di_assets.assets.freshness import freshness_checks
from di_assets.assets.history import pruning
from di_assets.assets.home import Home, open_home
from di_assets.assets.measured import batch_asset, whole_asset
from di_assets.assets.outcome import Outcome
from di_assets.assets.pool import POOL
from di_assets.assets.published import figure_asset, summary
from di_assets.assets.schedules import nightly
from di_assets.measures.declared import by_batch, over_all
from di_assets.report.figures import FIGURES

# Pinned with ==, so what is called beta here can't change under us.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)

PLAY, REPORT = "play_batches", "publish_report"


def build(home: Home, *, outcome: Outcome | None = None, pool: str | None = POOL) -> dg.Definitions:
    """Assets, checks, jobs and schedules of this installation.

    Args:
        home: where it is.
        outcome: what runs in this process come to is added to it; None where nobody asks.
        pool: runs that play share its slots.
    """
    batches = partitions(home.configs)
    of_batches = [
        events_asset(batches, code_version=code_version(home.configs), pool=pool),
        *(batch_asset(measure, batches) for measure in by_batch()),
    ]
    of_all = [*map(whole_asset, over_all()), summary, *map(figure_asset, FIGURES)]
    checks = batch_checks(batches)
    fresh = freshness_checks(home.configs)
    play = dg.define_asset_job(
        PLAY,
        # Freshness is a matter of the report: no batch hangs on another arm's nights.
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
        schedules=[*(nightly(arm, home, job=PLAY) for arm in home.configs.arms.values() if arm.nightly), pruning()],
        sensors=[downstream(), *alerts(home)],
        resources={"home": home, "outcome": outcome or Outcome()},
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `dagster dev` shows: the folders named by DI_WAREHOUSE and DI_CONFIGS, or those here."""
    return build(open_home())
