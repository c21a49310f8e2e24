"""What is published: summary.json and one asset per figure."""

import base64
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import vl_convert as vlc

from di_assets.assets import metadata
from di_assets.assets.automation import follows
from di_assets.assets.home import Home
from di_assets.report.figures import FIGURES, Figure
from di_assets.report.scope import Scope, scope_of
from di_assets.report.summary import READS, build_summary, write_summary
from di_assets.tables.warehouse import replacing

PREVIEW_SCALE = 1.5


# A lift is published only after the look at it was recorded.
@dg.asset(name="summary", deps=list(READS), group_name="report", kinds={"json"}, code_version="1",
          owners=metadata.OWNERS, tags=metadata.COMPUTED, automation_condition=follows())  # fmt: skip
def summary(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
    """Everything the pages print, as data: claims, statistics, reading, quote, links."""
    built, path = publish_summary(home)
    return dg.MaterializeResult(
        metadata={
            "headline": dg.MetadataValue.text(built["questions"]["q1"]["headline"]),
            **metadata.of_episode_set(built["provenance"]["n_episodes"], built["provenance"]["episode_set"]),
            **metadata.players(scripted=built["provenance"]["scripted"]),
            "path": dg.MetadataValue.path(str(path)),
            "page": dg.MetadataValue.url(metadata.dashboard()),
            "summary": dg.MetadataValue.json({k: v for k, v in built["questions"]["q1"].items() if k != "marks"}),
        }
    )


def publish_summary(home: Home) -> tuple[dict[str, Any], Path]:
    """The summary, made and written; and where."""
    frames = {name: home.warehouse.read(name) for name in READS}
    built = build_summary(
        frames,
        mirrors=home.configs.mirrors,
        settings=home.configs.report.model_dump(),
        commit=commit(),
        generated=datetime.now(tz=UTC).isoformat(timespec="seconds"),
    )
    path = home.warehouse.report / "summary.json"
    write_summary(built, path)
    return built, path


def figure_asset(name: str) -> dg.AssetsDefinition:
    """The asset of one figure: its three renderings, and a picture of it in the UI."""

    @dg.asset(name=name, deps=list(READS), group_name="report", kinds={"svg"}, code_version="1",
              description=f"The figure of question {name.removeprefix('q')}, for the page and to take away.",
              owners=metadata.OWNERS, tags=metadata.COMPUTED, automation_condition=follows())  # fmt: skip
    def figure(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        made, scope = publish_figure(home, name)
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.url(metadata.dashboard()),
                "figure": dg.MetadataValue.md(f"![{name}]({_data_url(made.download)})"),
                "path": dg.MetadataValue.path(str(home.warehouse.report / f"{name}.svg")),
                **metadata.of_episodes(scope.episodes),
                **metadata.players(scripted=scope.scripted),
            }
        )

    return figure


def publish_figure(home: Home, name: str) -> tuple[Figure, Scope]:
    """A figure in its three renderings, made and written; and what it shows."""
    frames = {table: home.warehouse.read(table) for table in READS}
    scope = scope_of(frames, mirrors=home.configs.mirrors)
    made = FIGURES[name](scope)
    renderings = {f"{name}.svg": made.download, f"{name}.wide.svg": made.wide, f"{name}.narrow.svg": made.narrow}
    for file, svg in renderings.items():
        with replacing(home.warehouse.report / file) as temporary:
            temporary.write_text(svg, encoding="utf-8")
    return made, scope


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
