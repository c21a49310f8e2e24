"""What is published: summary.json and one asset per figure."""

import base64
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import vl_convert as vlc

from di_assets.assets import metadata
from di_assets.assets.home import Home
from di_assets.report.figures import FIGURES
from di_assets.report.scope import scope_of
from di_assets.report.summary import READS, build_summary, summary_text

PREVIEW_SCALE = 1.5


# A lift is published only after the look at it was recorded.
@dg.asset(name="summary", deps=list(READS), group_name="report", kinds={"json"}, code_version="1",
          automation_condition=dg.AutomationCondition.eager())  # fmt: skip
def summary(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
    """Everything the pages print, as data: claims, statistics, reading, quote, links."""
    frames = {name: home.warehouse.read(name) for name in READS}
    built = build_summary(
        frames,
        mirrors=home.configs.mirrors,
        settings=home.configs.report.model_dump(),
        commit=commit(),
        generated=datetime.now(tz=UTC).isoformat(timespec="seconds"),
    )
    home.warehouse.write_report("summary.json", summary_text(built))
    return dg.MaterializeResult(
        metadata={
            "headline": dg.MetadataValue.text(built["questions"]["q1"]["headline"]),
            **metadata.of_episode_set(built["provenance"]["n_episodes"], built["provenance"]["episode_set"]),
            "path": dg.MetadataValue.path(f"{home.warehouse.report}/summary.json"),
            "page": dg.MetadataValue.url(metadata.dashboard()),
            "summary": dg.MetadataValue.json({k: v for k, v in built["questions"]["q1"].items() if k != "marks"}),
        }
    )


def figure_asset(name: str) -> dg.AssetsDefinition:
    """The asset of one figure: its three renderings, and a picture of it in the UI."""

    @dg.asset(name=name, deps=list(READS), group_name="report", kinds={"svg"}, code_version="1",
              automation_condition=dg.AutomationCondition.eager())  # fmt: skip
    def figure(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        frames = {table: home.warehouse.read(table) for table in READS}
        scope = scope_of(frames, mirrors=home.configs.mirrors)
        made = FIGURES[name](scope)
        renderings = {f"{name}.svg": made.download, f"{name}.wide.svg": made.wide, f"{name}.narrow.svg": made.narrow}
        for file, svg in renderings.items():
            home.warehouse.write_report(file, svg)
        return dg.MaterializeResult(
            metadata={
                "figure": dg.MetadataValue.md(f"![{name}]({_data_url(made.download)})"),
                "path": dg.MetadataValue.path(f"{home.warehouse.report}/{name}.svg"),
                **metadata.of_episodes(scope.episodes),
            }
        )

    return figure


def commit() -> str:
    """Short hash of the checked-out commit, `+` where files were changed since; `unknown` outside a checkout."""
    here = Path(__file__).parent
    try:
        run = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        return subprocess.run(run, cwd=here, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _data_url(svg: str) -> str:

    return "data:image/png;base64," + base64.b64encode(vlc.svg_to_png(svg, scale=PREVIEW_SCALE)).decode()
