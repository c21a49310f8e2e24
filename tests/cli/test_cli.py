import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from di_assets.cli.verbs import main
from di_assets.tables import TABLES
from tests.play.hostility import KEY, hostile, hostile_configs


@pytest.fixture
def di(played):
    def call(*words):
        options = ["--warehouse", str(played.warehouse.root), "--configs", str(played.configs.root)]
        return CliRunner().invoke(main, [*options, *words])

    return call


@pytest.fixture
def di_on_a_copy(played, tmp_path):
    """`di` on a warehouse of its own, played as the shared one is."""
    folder = shutil.copytree(played.warehouse.root, tmp_path / "copy")

    def call(*words):
        options = ["--warehouse", str(folder), "--configs", str(played.configs.root)]
        return CliRunner().invoke(main, [*options, *words])

    return call


@pytest.mark.parametrize("table", sorted(TABLES))
@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_every_table_is_exported_with_the_contracts_columns(di, tmp_path, table, suffix):
    file = tmp_path / f"t.{suffix}"
    result = di("export", table, "--to", str(file))
    assert result.exit_code == 0, result.output
    if (table, suffix) == ("label_agreement", "jsonl"):  # one labeller alone agrees with nobody: no row, no column
        assert file.read_text() == ""
        return
    read = {"csv": pl.read_csv, "parquet": pl.read_parquet, "jsonl": pl.read_ndjson}[suffix](file)
    assert read.columns == list(TABLES[table].schema)
    assert (read.height > 0) == (table != "label_agreement")


@pytest.mark.parametrize("verb", [["run", "talk"], ["doctor"], ["label"]])
@pytest.mark.parametrize("budget", ["nan", "inf", "-1"])
def test_a_budget_that_is_no_amount_is_refused(di, verb, budget):
    result = di(*verb, "--budget-usd", budget)
    assert result.exit_code == 2
    assert "--budget-usd" in result.output


def test_arms_lists_what_is_played(di):
    rows = [json.loads(line) for line in di("arms", "--json").output.splitlines()]
    assert {r["arm"]: (r["complete"], r["planned"]) for r in rows} == {
        "loop": (0, 2),
        "mute": (12, 12),
        "talk": (12, 12),
    }


def test_show_prints_events_with_hostile_text_escaped(di):
    result = di("show", "talk--promiser_r0", "--json")
    events = [json.loads(line) for line in result.output.splitlines()]
    assert [e["event_id"] for e in events] == list(range(len(events)))
    printed = di("show", "talk--promiser_r0").output
    assert all(", scripted)" in line for line in printed.splitlines())
    assert json.loads(di("show", "talk--promiser_r0", "--event", "3", "--json").output) == events[3]
    assert not any((ord(c) < 32 and c != "\n") or c == "\u202e" for c in printed)


def test_verify_is_zero_when_all_is_well(di):
    result = di("verify", "--all")
    assert (result.exit_code, result.output.strip()) == (0, "24 ok, 0 stale, 0 broken")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", "tolk"], "did you mean 'talk'?"),
        (["run", "talk", "--launch"], "relaunch: true"),
        (["export", "pools", "--to", "x.csv"], "did you mean 'pulls'?"),
        (["export", "pulls", "--to", "x.xlsx"], "csv, parquet, jsonl"),
        (["show", "talk--promiser_r99"], "did you mean"),
        (["show", "talk--promiser_r0", "--event", "9999"], "run from 0 to"),
        (["verify", "nope"], "no episode 'nope'"),
        (["verify"], "--all"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_two(di, words, told):
    result = di(*words)
    assert result.exit_code == 2
    assert told in result.output


def test_bad_configuration_is_exit_code_two(tmp_path):
    result = CliRunner().invoke(main, ["--configs", str(tmp_path / "nowhere"), "arms"])
    assert (result.exit_code, "no such folder" in result.output) == (2, True)


def test_a_run_plays_measures_and_publishes(small_configs, tmp_path):
    options = ["--warehouse", str(tmp_path / "w"), "--configs", str(small_configs.root)]
    result = CliRunner().invoke(main, [*options, "run", "loop", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[-1])["played"] == 2
    assert (Path(tmp_path) / "w" / "report" / "summary.json").exists()
    again = CliRunner().invoke(main, [*options, "run", "loop", "--json"])
    assert json.loads(again.stdout.splitlines()[-1])["calls"] == 0


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Options for two models at a server that answers well, and an arm of theirs."""
    folder = tmp_path_factory.mktemp("models")
    with hostile() as url:
        hostile_configs(folder / "configs", url, budget=0.05)
        yield ["--warehouse", str(folder / "w"), "--configs", str(folder / "configs")]


def test_schedule_tells_the_coming_nights_of_all_arms_in_order_and_their_totals(tmp_path):
    hostile_configs(tmp_path / "configs", "http://127.0.0.1:1")
    models = ["--warehouse", str(tmp_path / "w"), "--configs", str(tmp_path / "configs")]
    hard = tmp_path / "configs" / "hard.yaml"
    hard.write_text(hard.read_text() + "nightly: {cron: '0 1 * * *', episodes: 3, timezone: Asia/Tokyo}\n")
    cast = "lineup: [promiser, gullible, loyal, grudger, random]\nepisodes: 3\nbatch_size: 2\n"
    (tmp_path / "configs" / "free.yaml").write_text(
        f"title: Free\nid: free--s{{seed}}\n{cast}nightly: {{cron: '0 1 * * *'}}\n"
    )
    told = CliRunner().invoke(main, [*models, "schedule", "--preview", "9"])
    assert told.exit_code == 0, told.output
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in told.output.splitlines() if "│" in line]
    assert {row[1]: [other[2:4] for other in rows if other[1] == row[1]] for row in rows[:2]} == {
        "hard": [["b00", "3"], ["b00", "1"]],
        "free": [["b00", "2"], ["b01", "1"]],
    }
    assert [row[0][-3:] for row in rows[:2]] in (["JST", "UTC"], ["UTC", "JST"])
    assert rows[-1][0] == "4 nights"
    assert rows[-1][3] == "7"
    lines = [json.loads(line) for line in CliRunner().invoke(main, [*models, "schedule", "--json"]).output.splitlines()]
    assert [one["arm"] for one in lines] == ["free", "hard"]
    dollars = sum(night["cost_usd"] for one in lines for night in one["nights"])
    assert rows[-1][4] == f"{dollars:,.2f}"
    assert dollars > 0
    assert "then every planned episode of free is complete" in told.output


def test_schedule_says_plainly_that_no_arm_is_nightly(models):
    told = CliRunner().invoke(main, [*models, "schedule"])
    assert (told.exit_code, told.output.startswith("no arm is nightly: add `nightly: {cron:")) == (0, True)
    assert "configs/NAME.yaml" in told.output


def test_plan_says_what_an_arm_will_cost_before_anything_is_spent(models):
    told = CliRunner().invoke(main, [*models, "plan", "hard"])
    assert told.exit_code == 0, told.output
    assert "4 of 4 episodes are left to play" in told.output
    assert "80 calls, about $" in told.output
    assert "the budget does not reach" in told.output
    plan = json.loads(CliRunner().invoke(main, [*models, "plan", "hard", "--json"]).output)
    assert (plan["left"], sum(need["calls"] for need in plan["needs"]), plan["budget_usd"]) == (4, 80, 0.05)


def test_plan_says_how_many_pairs_a_lift_takes(di):
    told = di("plan", "talk", "--precision", "2", "--power", "0.8")
    assert told.exit_code == 0, told.output
    assert "promiser (scripted)" in told.output
    assert "power: two-sided paired t at 0.025, 5% over all models of the arm" in told.output
    assert "missing pairs, both arms: about $0.00" in told.output
    plan = json.loads(di("plan", "talk", "--precision", "2", "--power", "0.8", "--json").output)
    assert {one["model"]: (one["planned"], one["complete"]) for one in plan["lift"]} == {
        "promiser": (6, 6),
        "con_artist": (6, 6),
    }
    assert "no focal model" in di("plan", "loop", "--precision", "2").output
    assert "lift" not in json.loads(di("plan", "talk", "--json").output)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--power", "0.8"], "say --effect or --precision"),
        (["--effect", "5"], "say which, such as 0.8"),
        (["--precision", "0"], "0"),
        (["--power", "1", "--effect", "5"], "1"),
    ],
)
def test_plan_refuses_what_cannot_be_planned_for(di, words, told):
    result = di("plan", "talk", *words)
    assert (result.exit_code, told in result.output) == (2, True)


def test_the_demo_ends_with_every_agents_points_lift_and_interval(di_on_a_copy, played, monkeypatch):
    monkeypatch.setattr("di_assets.cli.verbs.demo.ARMS", ("talk", "mute"))
    result = di_on_a_copy("demo", "--no-serve")
    assert result.exit_code == 0, result.output
    printed = [line for line in result.output.splitlines() if line.startswith("│") and "(scripted)" in line]
    lifts = played.warehouse.read("lift").sort("points_on", descending=True).rows(named=True)
    assert len(printed) == len(lifts) == 2
    for line, row in zip(printed, lifts, strict=True):
        cells = [cell.strip() for cell in line.strip("│").split("│")]
        assert cells == [
            f"{row['model']} (scripted)",
            *(f"{row[name]:.1f}" for name in ("points_on", "points_off", "lift")),
            f"[{row['ci_low']:+.1f}, {row['ci_high']:+.1f}]",
            "6",
            f"{row['p_holm']:.4f}",
        ]


def test_report_says_each_questions_headline_and_every_claim_with_its_status(di_on_a_copy, played):
    result = di_on_a_copy("report")
    assert result.exit_code == 0, result.output
    summary = json.loads(played.warehouse.read_report("summary.json"))
    for question in summary["questions"].values():
        told = result.output.partition(question["headline"])[2].splitlines()[1 : 1 + len(question["claims"])]
        assert [line.split(":", 1)[0].strip() for line in told] == [claim["status"] for claim in question["claims"]]
        assert [line.split(":", 1)[1].strip() for line in told] == [claim["sentence"] for claim in question["claims"]]


def test_report_leaves_a_report_that_is_up_to_date_and_makes_it_again_when_a_figure_is_gone(di_on_a_copy, tmp_path):
    first = di_on_a_copy("report").output
    summary, figure = (tmp_path / "copy" / "report" / name for name in ("summary.json", "q1.svg"))
    before = summary.stat()
    again = di_on_a_copy("report").output
    assert again.splitlines()[:-1] == first.splitlines()[:-1]
    assert again.splitlines()[-1] == f"nothing new; the report is in {tmp_path / 'copy' / 'report'}"
    assert summary.stat() == before
    figure.unlink()
    assert di_on_a_copy("report").output.splitlines()[-1].startswith("written to")
    assert figure.exists()


def test_plan_of_an_unknown_arm_names_the_nearest(models):
    told = CliRunner().invoke(main, [*models, "plan", "hadr"])
    assert (told.exit_code, "did you mean 'hard'" in told.output) == (2, True)


def test_doctor_plays_with_each_model_and_says_what_it_cost(models, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    told = CliRunner().invoke(main, [*models, "doctor"])
    assert told.exit_code == 0, told.output
    rows = [json.loads(line) for line in CliRunner().invoke(main, [*models, "doctor", "--json"]).output.splitlines()]
    assert [(row["model"], row["ok"], row["schema"]) for row in rows] == [
        ("o", True, "enforced"),
        ("a", True, "enforced"),
    ]
    assert all(row["cost_usd"] > 0 for row in rows)
    assert KEY not in told.output + json.dumps(rows)


def test_doctor_says_which_key_is_missing_and_fails(models, monkeypatch):
    monkeypatch.delenv("PLANTED_KEY", raising=False)
    told = CliRunner().invoke(main, [*models, "doctor", "--no-calls"])
    assert told.exit_code == 1
    assert "o: set PLANTED_KEY" in told.output


@pytest.mark.slow
def test_a_run_that_stops_for_money_says_what_is_left_and_what_it_would_cost(models, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    told = CliRunner().invoke(main, [*models, "run", "hard"])
    assert told.exit_code == 1
    assert "stopped: budget of arm hard of $0.05 would be exceeded" in told.output
    assert re.search(r"\d episodes are left to play, about \$0\.\d\d", told.output)


def test_trace_walks_from_a_model_to_calls_and_from_an_episode_back(di):
    walked = json.loads(di("trace", "q1:promiser", "--json").output)
    on = next(step for step in walked["steps"] if step["name"] == "messages on")
    assert len(on["steps"]) == on["facts"]["episodes"] == 6
    assert on["steps"][0]["steps"][0]["steps"][0]["kind"] == "call"
    printed = di("trace", "q1:promiser").output.splitlines()
    assert printed[0].startswith("question q1:promiser: ")
    assert len(printed) <= 40
    back = json.loads(di("trace", on["steps"][0]["name"], "--json").output)
    assert "figure q1: promiser, messages on" in [step["name"] for step in back["steps"]]


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("q1:promisr", "no claims about 'promisr' under q1 (did you mean 'promiser'?)"),
        ("q6:promiser", "no question 'q6' (did you mean 'q5'?)"),
        ("talk--promiser_r00", "(did you mean 'talk--promiser_r0'?); a model's claims are q1:MODEL"),
    ],
)
def test_trace_of_what_is_unknown_names_the_nearest(di, what, told):
    result = di("trace", what)
    assert result.exit_code == 2
    assert told in result.output
    assert len(result.output.splitlines()) == 1
