"""`di`: a verb per user task. Everything heavy is imported by the verb that needs it, so that help is instant.

Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from di_assets.assets.home import Home
    from di_assets.labelling.sample import Message
    from di_assets.tables import Warehouse

DEMO = ("demo_attack", "demo_nomsg", "demo_focal_muted", "demo_rivals_muted", "demo_placebo", "demo_ring")
FORMATS = ("csv", "parquet", "jsonl")
# By name, so that no module is imported to be told from others.
FAILURES = {"RunFailedError", "BatchInUseError", "LabelsInUseError", "StaleJournalError", "FatalFault", "ServingError"}
BY_HAND = 50  # messages that a person is shown unless told
POSITIVE = click.FloatRange(min=0, min_open=True)
SHARE = click.FloatRange(min=0, max=1, min_open=True, max_open=True)


class BadInput(click.ClickException):
    """What was asked for can't be; one line says what, where and what would be right."""

    exit_code = 2


class WorkFailed(click.ClickException):
    """What was asked for was tried and failed; what was done before is kept."""

    exit_code = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option(
    "--warehouse",
    envvar="DI_WAREHOUSE",
    default="warehouse",
    show_default=True,
    help="Folder of the tables, or s3://BUCKET/PREFIX.",
)
@click.option("--configs", envvar="DI_CONFIGS", default="configs", show_default=True, help="Folder of arms and models.")
@click.version_option(package_name="delegated-influence")
@click.pass_context
def main(context: click.Context, warehouse: str, configs: str) -> None:
    """Delegated Influence: play arms of the persuasion game, measure them, show them."""
    context.obj = {"warehouse": warehouse, "configs": configs}
    os.environ["DI_WAREHOUSE"], os.environ["DI_CONFIGS"] = (
        warehouse if "://" in warehouse else str(Path(warehouse).absolute()),
        str(Path(configs).absolute()),
    )


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def arms(options: dict[str, str], as_json: bool) -> None:
    """List the arms: planned and complete episodes, condition, what they mirror."""
    with _errors():
        import polars as pl  # noqa: PLC0415

        home = _home(options)
        episodes = home.warehouse.read("episodes").filter(pl.col("status") == "complete")
        held = dict(episodes.group_by("arm").len().iter_rows())
        rows = [
            {
                "arm": arm.name,
                "title": arm.title,
                "condition": arm.condition,
                "complete": held.get(arm.name, 0),
                "planned": arm.planned,
                "mirrors": arm.mirrors,
                "budget_usd": arm.budget_usd,
            }
            for arm in home.configs.arms.values()
        ]
    _printing().table(rows, as_json=as_json, title="Arms")


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="ARM...")
@click.option("--precision", type=POSITIVE, help="Wanted half-width of each lift's 95% interval, points.")
@click.option("--power", type=SHARE, help="Wanted chance to find the effect, such as 0.8.")
@click.option("--effect", type=POSITIVE, help="Lift to be found, points; the precision by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def plan(
    options: dict[str, str],
    names: tuple[str, ...],
    precision: float | None,
    power: float | None,
    effect: float | None,
    as_json: bool,
) -> None:
    """What the named arms still need: calls, tokens, dollars, hours. Nothing is asked and nothing is spent.

    With --precision or --power also how many matched pairs each model's lift takes, and what the missing ones cost.
    """
    effect = effect or precision
    if power is not None and effect is None:
        raise click.UsageError("--power of what? say --effect or --precision, in points")
    if power is None and precision is None and effect is not None:
        raise click.UsageError("--effect is found with some --power: say which, such as 0.8")
    with _errors():
        from di_assets.play.batch import spent_so_far  # noqa: PLC0415
        from di_assets.play.estimate import estimate  # noqa: PLC0415

        home = _home(options)
        wanted = {"precision": precision, "power": power, "effect": effect}
        for arm in [home.configs.arm(name) for name in names]:
            need, spent = estimate(home.configs, arm, home.warehouse), spent_so_far(home.warehouse, arm)
            told = {**asdict(need), "spent_usd": spent, "budget_usd": arm.budget_usd}
            if not as_json:
                _printing().needs(arm, need, spent)
            if precision is not None or power is not None:
                from di_assets.report.planning import lift_plans, no_lift  # noqa: PLC0415

                why = no_lift(home.configs, arm)
                plans = lift_plans(home.configs, arm, home.warehouse, **wanted)
                told |= {"lift": [asdict(one) for one in plans], "no_lift": why}
                if not as_json:
                    _printing().lift_plans(plans, why, **wanted)
            if as_json:
                click.echo(json.dumps(told))


@main.command()
@click.option("--preview", "days", type=click.IntRange(1, 366), default=14, show_default=True, help="Days to show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an arm.")
@click.pass_obj
def schedule(options: dict[str, str], days: int, as_json: bool) -> None:
    """What the coming nights will play, and what that is expected to cost. Nothing is asked and nothing is spent."""
    with _errors():
        from datetime import UTC, datetime  # noqa: PLC0415

        from di_assets.play.nights import coming_nights  # noqa: PLC0415

        home = _home(options)
        previews = coming_nights(home.configs, home.warehouse, now=datetime.now(tz=UTC), days=days)
        _printing().nights(previews, days=days, as_json=as_json)


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@click.option("--no-calls", is_flag=True, help="Check configuration and keys only; nothing is spent.")
@click.option("--budget-usd", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Most to spend.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a model.")
@click.pass_obj
def doctor(options: dict[str, str], models: tuple[str, ...], no_calls: bool, budget_usd: float, as_json: bool) -> None:
    """Check models: key, endpoint, schema, and a message and a pull played with each. Exit code 1 when one fails."""
    with _errors():
        import asyncio  # noqa: PLC0415

        from di_assets.play.doctor import checkup  # noqa: PLC0415

        configs = _home(options).configs
        checkups = asyncio.run(checkup(configs, models, budget_usd=budget_usd, talk=not no_calls))
        _printing().checkups(checkups, as_json=as_json)
    if not all(one.key_ok if no_calls else one.ok for one in checkups):
        sys.exit(1)


@main.command()
@click.argument("names", nargs=-1, required=True, metavar="ARM...")
@click.option("--limit", type=click.IntRange(min=1), help="Most episodes to play now.")
@click.option("--budget-usd", type=click.FloatRange(min=0), help="Most US dollars to spend now.")
@click.option("--launch", is_flag=True, help="Launch an arm once more that may be launched again and again.")
@click.option("--json", "as_json", is_flag=True, help="What happened to each batch, as JSON.")
@click.pass_obj
def run(
    options: dict[str, str],
    names: tuple[str, ...],
    limit: int | None,
    budget_usd: float | None,
    launch: bool,
    as_json: bool,
) -> None:
    """Play what the named arms still lack, then measure and publish. Run again, it plays nothing twice."""
    with _errors():
        _run(options, names, limit=limit, budget_usd=budget_usd, launch=launch, as_json=as_json)


@main.command()
@click.option(
    "--site",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the report as files that open from disk.",
)
@click.pass_obj
def report(options: dict[str, str], site: Path | None) -> None:
    """Aggregate what is played, write summary.json and the figures anew, and say what may be claimed."""
    with _errors():
        from di_assets.report.reading import read_summary  # noqa: PLC0415
        from di_assets.runs import materialise_report  # noqa: PLC0415

        home = _home(options)
        materialise_report(home)
        _printing().claims(read_summary(home.warehouse) or {"questions": {}})
        click.echo(f"written to {home.warehouse.report}")
        if site is not None:
            from dashboard.static_site import write_site  # noqa: PLC0415

            n = write_site(home.warehouse, home.configs.root, site)
            click.echo(f"{n:,} files written to {site}; open {site / 'index.html'}")


@main.command()
@click.argument("episode")
@click.option("--event", type=click.IntRange(min=0), help="Only this event.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an event.")
@click.pass_obj
def show(options: dict[str, str], episode: str, event: int | None, as_json: bool) -> None:
    """Print an episode's messages and pulls. Control characters are shown escaped."""
    with _errors():
        from di_assets.report.transcript import read_transcript  # noqa: PLC0415

        found = read_transcript(_warehouse(options), episode)
        if found is None:
            raise BadInput(_no_episode(_warehouse(options), episode))
        if not found.events:
            raise BadInput(f"{episode} has no events: it is {found.episode['status']} ({found.episode['failure']})")
        if event is not None and event >= len(found.events):
            raise BadInput(f"{episode} has no event {event}; they run from 0 to {len(found.events) - 1}")
        for one in found.events if event is None else found.events[event : event + 1]:
            told = _printing().event(one, found.seats)
            click.echo(json.dumps(told) if as_json else _printing().event_line(told))


@main.command()
@click.argument("episodes", nargs=-1, metavar="[EPISODE]...")
@click.option("--all", "everything", is_flag=True, help="Every complete episode.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an episode.")
@click.pass_obj
def verify(options: dict[str, str], episodes: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Replay stored replies and hold events, points and hashes against them. Exit code 1 when something differs."""
    if everything == bool(episodes):
        raise click.UsageError("name episodes, or say --all")
    with _errors():
        from di_assets.play.verify import verify as replay  # noqa: PLC0415

        home = _home(options)
        counts = {"ok": 0, "stale": 0, "broken": 0}
        try:
            for verdict in replay(home.configs, home.warehouse, episodes=None if everything else list(episodes)):
                counts[verdict.status] += 1
                if as_json:
                    click.echo(
                        json.dumps(
                            {"episode_id": verdict.episode_id, "status": verdict.status, "problem": verdict.problem}
                        )
                    )
                elif verdict.status != "ok":
                    click.echo(f"{verdict.status}: {verdict.episode_id}: {verdict.problem}")
        except KeyError as error:
            raise BadInput(_no_episode(home.warehouse, str(error.args[0]))) from error
    click.echo(", ".join(f"{count} {status}" for status, count in counts.items()), err=as_json)
    if counts["broken"]:
        sys.exit(1)


@main.command()
@click.option("--model", help="Let this model of models.yaml label.")
@click.option("--labeller", metavar="NAME", help="Label yourself, under this name.")
@click.option("--agreement", is_flag=True, help="Print how far every two labellers agree.")
@click.option("--arm", help="Only this arm's messages.")
@click.option(
    "--sample", type=click.IntRange(min=1), help="Most messages, drawn at random. [default: 50; all by a model]"
)
@click.option("--seed", default=0, show_default=True, help="Of the sample; the same seed draws the same.")
@click.option("--budget-usd", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Most to spend now.")
@click.option("--json", "as_json", is_flag=True, help="JSON objects, one a line.")
@click.pass_obj
def label(
    options: dict[str, str],
    model: str | None,
    labeller: str | None,
    agreement: bool,
    arm: str | None,
    sample: int | None,
    seed: int,
    budget_usd: float,
    as_json: bool,
) -> None:
    """Say which messages ask for a pull and which promise one, as a model or a person, and hold labellers together.

    What is labelled is kept at once; run again, it goes on where it stopped and asks nothing twice.
    """
    if sum((model is not None, labeller is not None, agreement)) != 1:
        raise click.UsageError("say one of --model, --labeller and --agreement")
    with _errors():
        from di_assets.runs import materialise_labels  # noqa: PLC0415

        home, stopped = _home(options), None
        if model is not None:
            stopped = _label_with_model(home, model, _messages(home, arm, sample, seed), budget_usd, as_json=as_json)
        elif labeller is not None:
            _label_by_hand(home, labeller, _messages(home, arm, sample or BY_HAND, seed))
        materialise_labels(home)
        if agreement:
            rows = home.warehouse.read("label_agreement").to_dicts()
            _printing().agreement(rows, as_json=as_json)
        if stopped:
            raise WorkFailed("labelling stopped before the end; run the same again to resume it")


@main.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a row.")
@click.pass_obj
def promises(options: dict[str, str], as_json: bool) -> None:
    """Print who promised pulls, who kept the promise and what it bought."""
    with _errors():
        _printing().ledger(_warehouse(options).read("promise_ledger").to_dicts(), as_json=as_json)


@main.command()
@click.argument("what", metavar="QUESTION:MODEL|EPISODE")
@click.option("--json", "as_json", is_flag=True, help="The whole walk as one JSON object.")
@click.pass_obj
def trace(options: dict[str, str], what: str, as_json: bool) -> None:
    """Walk from a model's claims (q1:MODEL) to the calls behind them, or from an episode to what cites it."""
    with _errors():
        from di_assets.arms.reading import nearest  # noqa: PLC0415
        from di_assets.report.trace import TraceError, trace_episode, trace_model  # noqa: PLC0415

        warehouse = _warehouse(options)
        walked = trace_episode(warehouse, what)
        if walked is None:
            question, colon, model = what.partition(":")
            if not colon:
                raise BadInput(f"{_no_episode(warehouse, what)}; a model's numbers are q1:MODEL")
            try:
                walked = trace_model(warehouse, question, model)
            except TraceError as error:
                raise BadInput(f"{error}{nearest(error.name, error.known) if error.known else ''}") from error
        _printing().walk(walked, as_json=as_json)


@main.command()
@click.argument("table")
@click.option(
    "--to",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="csv, parquet or jsonl, by suffix.",
)
@click.pass_obj
def export(options: dict[str, str], table: str, file: Path) -> None:
    """Write a whole table of the contract to a file."""
    with _errors():
        from di_assets.arms.reading import nearest  # noqa: PLC0415
        from di_assets.tables import TABLES  # noqa: PLC0415
        from di_assets.tables.warehouse import replacing  # noqa: PLC0415

        if table not in TABLES:
            raise BadInput(f"no table {table!r}{nearest(table, TABLES)}")
        suffix = file.suffix.removeprefix(".")
        if suffix not in FORMATS:
            raise BadInput(f"--to {file}: the suffix says the format; expected one of {', '.join(FORMATS)}")
        frame = _warehouse(options).read(table)
        with replacing(file.absolute()) as temporary:
            if suffix == "csv":
                frame.write_csv(temporary)
            elif suffix == "parquet":
                frame.write_parquet(temporary)
            else:
                frame.write_ndjson(temporary)
        click.echo(f"{frame.height:,} rows of {table} written to {file}")


@main.command()
@click.option("--serve/--no-serve", default=True, help="Serve the dashboard and the Dagster UI afterwards.")
@click.pass_obj
def demo(options: dict[str, str], serve: bool) -> None:
    """Play the scripted demo arms, with and without messages, print the figure's table, serve the pages."""
    with _errors():
        home = _run(options, DEMO, limit=None, budget_usd=None, launch=False, as_json=False)
        title = "Points per episode, messages on and off (scripted agents)"
        _printing().table(_printing().figure_rows(home), as_json=False, title=title)
        click.echo(f"tables   {home.warehouse}/tables\nreport   {home.warehouse.report}")
    if serve:
        from di_assets.serving import serve as serve_pages  # noqa: PLC0415

        serve_pages(home)


@main.command()
@click.option("--port", default=8501, show_default=True, help="Of the dashboard.")
@click.option("--dagster-port", default=3000, show_default=True, help="Of the Dagster UI.")
@click.pass_obj
def ui(options: dict[str, str], port: int, dagster_port: int) -> None:
    """Serve the dashboard and the Dagster UI on loopback until interrupted."""
    with _errors():
        from di_assets.serving import serve  # noqa: PLC0415

        serve(_home(options), port=port, dagster_port=dagster_port)


@main.command()
@click.pass_obj
def home(options: dict[str, str]) -> None:
    """Set up Dagster's home and print where it is: DAGSTER_HOME="$(di home)" dagster-daemon run."""
    with _errors():
        from di_assets.instance import dagster_home  # noqa: PLC0415

        click.echo(dagster_home(_home(options)))


@main.command()
@click.option("--keep-days", type=click.IntRange(min=0), default=30, show_default=True, help="Of finished runs.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and keep it.")
@click.pass_obj
def prune(options: dict[str, str], keep_days: int, dry_run: bool) -> None:
    """Forget old runs of Dagster's history, but for those that hold what is newest of an asset; tables stay."""
    with _errors():
        from datetime import UTC, datetime, timedelta  # noqa: PLC0415

        from di_assets.assets.history import prune as forget  # noqa: PLC0415
        from di_assets.instance import instance_of  # noqa: PLC0415

        with instance_of(_home(options)) as instance:
            done = forget(instance, keep=timedelta(days=keep_days), now=datetime.now(tz=UTC), dry=dry_run)
        what = (
            "would be forgotten" if dry_run else f"forgotten; {done.before / 1e6:.1f} MB -> {done.after / 1e6:.1f} MB"
        )
        click.echo(f"{done.runs} runs older than {keep_days} days {what}; {done.needed} as old hold what is newest")


@contextmanager
def _errors() -> Iterator[None]:
    """Bad input and failed work as one line each, with their exit codes."""
    try:
        yield
    except click.ClickException:
        raise
    except Exception as error:
        kind = type(error).__name__
        if kind in {"ConfigError", "WarehouseError", "SiteError"}:
            raise BadInput(str(error)) from error
        if kind in {
            "RunFailedError",
            "BatchInUseError",
            "LabelsInUseError",
            "StaleJournalError",
            "ClusterError",
            "FatalFault",
            "ServingError",
            "InstanceError",
            "StorageError",
        }:
            raise WorkFailed(str(error)) from error
        if "object-store error" in str(error):  # from within Polars; its words can name keys
            from di_assets.tables.bucket import told  # noqa: PLC0415

            raise WorkFailed(str(told("the warehouse", str(error)))) from None
        raise


def _home(options: dict[str, str], **more: Any) -> "Home":
    from di_assets.assets.home import open_home  # noqa: PLC0415

    home = open_home(options["warehouse"], options["configs"], **more)
    home.warehouse.check()
    return home


def _printing() -> ModuleType:
    from di_assets import printing  # noqa: PLC0415

    return printing


def _warehouse(options: dict[str, str]) -> "Warehouse":
    from di_assets.tables import open_warehouse  # noqa: PLC0415

    warehouse = open_warehouse(options["warehouse"])
    warehouse.check()
    return warehouse


def _run(
    options: dict[str, str],
    names: tuple[str, ...],
    *,
    limit: int | None,
    budget_usd: float | None,
    launch: bool,
    as_json: bool,
) -> "Home":
    from datetime import UTC, datetime  # noqa: PLC0415

    from di_assets.arms import batches, new_launch  # noqa: PLC0415
    from di_assets.play.launches import add_launch, launches  # noqa: PLC0415

    with _printing().bars() as bars:
        bar = bars.add_task("episodes", total=None)
        home = _home(options, progress=lambda done, total: bars.update(bar, completed=done, total=total))
        chosen = [home.configs.arm(name) for name in names]
        for arm in chosen:
            if launch and not arm.relaunch:
                raise BadInput(f"{arm.name} is launched once; only arms with `relaunch: true` take --launch")
            if arm.relaunch and (launch or not launches(home.warehouse, arm)):
                add_launch(home.warehouse, arm, new_launch(datetime.now(tz=UTC)))
        from di_assets.assets.events import sentence  # noqa: PLC0415
        from di_assets.runs import materialise_batches, materialise_report  # noqa: PLC0415

        materialise_batches(home, [b for arm in chosen for b in batches(arm)], limit=limit, budget_usd=budget_usd)
        bars.update(bar, description="report", total=None)
        materialise_report(home)
    for result in home.results:
        click.echo(
            json.dumps({f: getattr(result, f) for f in result.__dataclass_fields__}) if as_json else sentence(result)
        )
    undone = [result for result in home.results if result.failed or result.stopped]
    if undone:
        left = sum(result.left for result in undone)
        raise WorkFailed(f"{left} episodes are left to play; run the same again to resume them")
    return home


def _messages(home: "Home", arm: str | None, sample: int | None, seed: int) -> "list[Message]":
    from di_assets.labelling.sample import chosen  # noqa: PLC0415

    if arm is not None:
        home.configs.arm(arm)
    messages = chosen(home.warehouse, arm=arm, sample=sample, seed=seed)
    if not messages:
        raise BadInput(f"no messages{f' of {arm}' if arm else ''} in {home.warehouse}; play an arm with messages first")
    return messages


def _label_with_model(
    home: "Home", model: str, messages: "list[Message]", budget_usd: float, *, as_json: bool
) -> str | None:
    from di_assets.labelling.model import label_with_model  # noqa: PLC0415

    texts = [message.text for message in messages]
    with _printing().bars() as bars:
        bar = bars.add_task("texts", total=None)
        made = label_with_model(
            home.configs,
            model,
            texts,
            home.warehouse,
            budget_usd=budget_usd,
            progress=lambda done, total: bars.update(bar, completed=done, total=total),
        )
    _printing().labelled(made, as_json=as_json)
    return made.stopped


def _label_by_hand(home: "Home", name: str, sample: "list[Message]") -> None:
    from di_assets.labelling.person import Answers, check_name, codebook, label_by_hand  # noqa: PLC0415
    from di_assets.labelling.stored import alone, person_file  # noqa: PLC0415

    path = person_file(home.warehouse, check_name(name, home.configs))
    text, version = codebook(home.configs.prompts)
    click.echo(text)
    with alone(home.warehouse, path), Answers(path, version) as answers:
        label_by_hand(sample, answers, _keys(), _printing().question)
        whole = sum(answers.whole(message) for message in sample)
    click.echo(f"\n{whole} of {len(sample)} messages labelled by {name}")


def _keys() -> Iterator[str]:
    """Keys as they are pressed, or the characters of piped input; they end with it, or when it is interrupted."""
    with suppress(EOFError, KeyboardInterrupt):
        if sys.stdin.isatty():
            while True:
                yield click.getchar()
        for line in sys.stdin:
            yield from line.strip()


def _no_episode(warehouse: "Warehouse", episode: str) -> str:
    from di_assets.arms.reading import nearest  # noqa: PLC0415

    known = warehouse.scan("episodes").select("episode_id").collect()["episode_id"].to_list()
    hint = nearest(episode, known) if len(known) < 2_000 and known else f" ({len(known):,} are stored)"
    return f"no episode {episode!r} in {warehouse}" + (hint if len(hint) < 200 else f" ({len(known):,} are stored)")


if __name__ == "__main__":
    main()
