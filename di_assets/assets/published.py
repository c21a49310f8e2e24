"""What is published: summary.json and one asset per figure."""

import base64
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import dagster as dg
from PIL import Image

from di_assets.assets import metadata
from di_assets.assets.automation import follows
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.report.figures import Figure, png
from di_assets.report.published import read_summary
from di_assets.report.questions.question import Question
from di_assets.report.questions.registry import READS
from di_assets.report.reader.transcript import rows_of
from di_assets.report.summary import build_summary, summary_text

PREVIEW_COLOURS = 16


# A lift is published only after the look at it is recorded.
@dg.asset(name="summary", deps=[*READS, "messages"], group_name="report", kinds={"json"}, code_version="1",
          owners=metadata.OWNERS, tags=metadata.COMPUTED, automation_condition=follows())  # fmt: skip
def summary(home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]) -> dg.MaterializeResult[None]:
    """Everything the pages print, as data: claims, statistics, reading, quote, links."""
    with outcome.noting(home, "summary"):
        built = publish_summary(home)
    return dg.MaterializeResult(
        metadata={
            **{name: dg.MetadataValue.text(question["headline"]) for name, question in built["questions"].items()},
            **metadata.of_episode_set(built["provenance"]["n_episodes"], built["provenance"]["episode_set"]),
            **metadata.players(scripted=built["provenance"]["scripted"]),
            "path": dg.MetadataValue.path(f"{home.warehouse.report}/summary.json"),
            "page": dg.MetadataValue.url(metadata.dashboard()),
            "summary": dg.MetadataValue.json(_without_marks(built)),
        }
    )


def publish_summary(home: Home) -> dict[str, Any]:
    """Builds the summary and writes it."""
    frames = {name: home.warehouse.read(name, columns=columns) for name, columns in READS.items()}

    def stored(table: str, episode_id: str) -> list[dict[str, Any]]:
        [batch] = frames["episodes"].filter(episode_id=episode_id)["batch"]
        return rows_of(home.warehouse, table, episode_id, batch)

    built = build_summary(
        frames,
        rows_of=stored,
        mirrors=home.configs.mirrors,
        settings=home.configs.report.model_dump(),
        commit=commit(),
        generated=datetime.now(tz=UTC).isoformat(timespec="seconds"),
    )
    home.warehouse.write_report("summary.json", summary_text(built))
    return built


def _without_marks(built: Mapping[str, Any]) -> dict[str, Any]:
    """The first question as published, without its marks, because they are many."""
    first: Mapping[str, Any] = next(iter(built["questions"].values()))
    return {key: value for key, value in first.items() if key != "marks"}


def figure_asset(question: Question) -> dg.AssetsDefinition:
    """The asset of a question's figure: three renderings and a preview, drawn from summary.json alone."""
    name = question.name

    @dg.asset(name=name, deps=["summary"], group_name="report", kinds={"svg"}, code_version="2",
              description=f"The figure of question {question.number}, for the page and to take away.",
              owners=metadata.OWNERS, tags=metadata.COMPUTED, automation_condition=follows())  # fmt: skip
    def figure(home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]) -> dg.MaterializeResult[None]:
        with outcome.noting(home, name):
            published = read_summary(home.warehouse)
            if published is None:
                raise dg.Failure("there is no summary.json to draw from: materialise `summary` first")
            made, origin = publish_figure(home, question, published), published["provenance"]
        return dg.MaterializeResult(
            metadata={
                "page": dg.MetadataValue.url(metadata.dashboard()),
                "figure": dg.MetadataValue.md(f"![{name}]({_data_url(made.download)})"),
                "path": dg.MetadataValue.path(f"{home.warehouse.report}/{name}.svg"),
                **metadata.of_episode_set(origin["n_episodes"], origin["episode_set"]),
                **metadata.players(scripted=origin["scripted"]),
            }
        )

    return figure


def publish_figure(home: Home, question: Question, published: Mapping[str, Any]) -> Figure:
    """Draws a question's figure from the summary in its three renderings and writes them."""
    name = question.name
    made = question.figure(published["questions"][name])
    renderings = {f"{name}.svg": made.download, f"{name}.wide.svg": made.wide, f"{name}.narrow.svg": made.narrow}
    for file, svg in renderings.items():
        home.warehouse.write_report(file, svg)
    return made


def commit() -> str:
    """Short hash of the checked-out commit, with `+` if files were changed since; `unknown` outside a checkout."""
    here = Path(__file__).parent
    try:
        run = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
        return subprocess.run(run, cwd=here, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _data_url(svg: str) -> str:
    """The picture as a small data URL with few colours.

    The history keeps several copies for every time a figure is made.
    """
    with Image.open(BytesIO(png(svg, scale=1.0))) as picture, BytesIO() as small:
        picture.convert("RGB").quantize(PREVIEW_COLOURS).save(small, "PNG", optimize=True)
        return "data:image/png;base64," + base64.b64encode(small.getvalue()).decode()
