"""Where a question is seen, in a process whose folder of questions holds its file."""

import json
from pathlib import Path

import jsonschema

from dashboard.sections.question import QUESTIONS as PAGES
from dashboard.static_site import files_of
from di_assets.arms import load_configs
from di_assets.assets.definitions import build
from di_assets.assets.home import Home
from di_assets.assets.published import publish_figure, publish_summary
from di_assets.report.lineage.citations import citations
from di_assets.report.lineage.trace import trace_model
from di_assets.report.questions.registry import QUESTIONS
from di_assets.report.schema import schema
from di_assets.tables import Warehouse


def show(warehouse, configs):
    """Prints it as JSON."""
    home = Home(warehouse=Warehouse(Path(warehouse)), configs=load_configs(Path(configs)))
    summary = json.loads(json.dumps(publish_summary(home)))
    jsonschema.validate(summary, schema())
    publish_figure(home, QUESTIONS["q9"], summary)
    graph = build(home).resolve_asset_graph()
    assets = {
        key.to_user_string(): sorted(p.to_user_string() for p in graph.get(key).parent_keys)
        for key in graph.get_all_asset_keys()
    }
    walked = trace_model(home.warehouse, "q9", "promiser")
    episode = home.warehouse.scan("episodes").filter(episode_id="talk--promiser_r0").collect().row(0, named=True)
    site = dict(files_of(home.warehouse, Path(configs)))
    print(json.dumps({
        "summary": summary["questions"]["q9"],
        "required": schema()["$defs"]["Questions"]["required"],
        "figure": home.warehouse.read_report("q9.svg"),
        "assets": assets,
        "checks": sorted(key.name for key in graph.asset_check_keys),
        "pages": [page.name for page in PAGES],
        "files": sorted(site),
        "html": site["q9.html"],
        "walk": [[step.kind, step.name, [inner.name for inner in step.steps]] for step in walked.steps],
        "cited": [one.what for one in citations(home.warehouse, summary, episode)],
    }))  # fmt: skip
