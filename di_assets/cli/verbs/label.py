"""`di label`: a model or a person labels messages."""

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

import click

from di_assets.arms.settings import LOCAL
from di_assets.assets.home import Home
from di_assets.calls.stopping import stopped_by_signals
from di_assets.cli.command import Verb
from di_assets.cli.endings import BadInput, Interrupted, WorkFailed
from di_assets.cli.options import Finite
from di_assets.cli.places import open_home_of
from di_assets.cli.printing import share, table
from di_assets.cli.progress import Count, progress
from di_assets.control_room.runs import counted_cut, materialise_labels
from di_assets.labelling.model import Labelled, label_with_model
from di_assets.labelling.person import Answers, LabelQuestion, check_name, codebook, label_by_hand
from di_assets.labelling.sample import Message, chosen
from di_assets.labelling.stored import locked_labels, person_file
from di_assets.play.keys import check_keys

BY_HAND = 50  # default number of messages that a person is shown


@click.command(cls=Verb)
@click.option("--model", help="Let this model of models.yaml label.")
@click.option("--labeller", metavar="NAME", help="Label yourself, under this name.")
@click.option("--agreement", is_flag=True, help="Print how far every two labellers agree.")
@click.option("--arm", help="Only this arm's messages.")
@click.option(
    "--sample", type=click.IntRange(min=1), help="Most messages, drawn at random. [default: 50; all by a model]"
)
@click.option("--seed", default=0, show_default=True, help="Of the sample; the same seed draws the same.")
@click.option("--budget-usd", type=Finite(min=0), default=1.0, show_default=True, help="Most to spend now.")
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
    """Say which messages ask for a pull and which promise one, as a model or a person, and compare labellers.

    What is labelled is kept at once; run again, it goes on where it stopped and asks nothing twice.
    """
    if sum((model is not None, labeller is not None, agreement)) != 1:
        raise click.UsageError("say one of --model, --labeller and --agreement")
    home, stopped = open_home_of(options, writing=True), None
    if labeller is not None:
        check_name(labeller, home.configs)
    if model is not None:
        stopped = _label_with_model(home, model, _messages(home, arm, sample, seed), budget_usd, as_json=as_json)
    elif labeller is not None:
        _label_by_hand(home, labeller, _messages(home, arm, sample or BY_HAND, seed))
    materialise_labels(home)
    if agreement:
        rows = home.warehouse.read("label_agreement").to_dicts()
        _print_agreement(rows, as_json=as_json)
    if stopped:
        raise WorkFailed("labelling stopped before the end; run the same again to resume it")


def _messages(home: Home, arm: str | None, sample: int | None, seed: int) -> list[Message]:
    if arm is not None:
        home.configs.arm(arm)
    messages = chosen(home.warehouse, arm=arm, sample=sample, seed=seed)
    if not messages:
        raise BadInput(f"no messages{f' of {arm}' if arm else ''} in {home.warehouse}; play an arm with messages first")
    return messages


def _label_with_model(
    home: Home, model: str, messages: list[Message], budget_usd: float, *, as_json: bool
) -> str | None:
    if model in home.configs.models:
        check_keys(
            replace(home.configs, play=LOCAL), [model]
        )  # models are asked from this process, whatever engine plays
    texts = [message.text for message in messages]
    with progress() as line, stopped_by_signals(home.stop):
        made = label_with_model(
            home.configs,
            model,
            texts,
            home.warehouse,
            budget_usd=budget_usd,
            progress=lambda done, total, tally: line.hear(
                Count(
                    what=f"labels by {model}",
                    unit="texts",
                    done=done,
                    total=total,
                    calls=tally.calls,
                    calls_left=total - done,
                    spent_usd=tally.cost_usd,
                    of_usd=budget_usd,
                )
            ),
            stop=home.stop,
        )
    _print_labelled(made, as_json=as_json)
    if home.stop.interrupted:
        rest = f"about ${made.left * made.cost_usd / made.calls:.2f}" if made.calls else "nothing is asked yet"
        raise Interrupted(
            f"{home.stop.reason}; the {made.calls:,} calls made are kept (${made.cost_usd:.4f})"
            f"{counted_cut(made.cut, made.cut_usd)}; "
            f"{made.left:,} texts are left to label, {rest}; run the same again to resume"
        )
    return made.stopped


def _label_by_hand(home: Home, name: str, sample: list[Message]) -> None:
    path = person_file(home.warehouse, check_name(name, home.configs))
    text, version = codebook(home.configs.prompts)
    click.echo(text)
    with locked_labels(home.warehouse, path), Answers(path, version) as answers:
        label_by_hand(sample, answers, _keys(), _ask)
        whole = sum(answers.whole(message) for message in sample)
    click.echo(f"\n{whole} of {len(sample)} messages labelled by {name}")


def _keys() -> Iterator[str]:
    """Yields keys as they are pressed, or the characters of piped input, until its end or an interrupt."""
    with suppress(EOFError, KeyboardInterrupt):
        if sys.stdin.isatty():
            while True:
                yield click.getchar()
        for line in sys.stdin:
            yield from line.strip()


def _ask(one: LabelQuestion) -> None:
    """Shows a question to a person who labels."""
    if one.fresh:
        click.echo(f"\n[{one.place} of {one.total}]  {escaped(one.text)}")
    asked = {"asks_for_pull": "asks for a pull", "promises_pull": "promises a pull"}[one.label]
    before = "" if one.before is None else f" (was {'yes' if one.before else 'no'})"
    click.echo(f"  {asked}?{before}  y/n, s skip, b back, q quit")


def escaped(text: str) -> str:
    """A player's text in quotes. Characters that are not printed (line breaks, direction marks) are escaped."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in inside) + '"'


def _print_labelled(made: Labelled, *, as_json: bool) -> None:
    """Prints the result of labelling by a model."""
    if as_json:
        click.echo(json.dumps(asdict(made)))
        return
    text = f"{made.model} ({made.version}): {made.labelled:,} of {made.texts:,} distinct texts labelled"
    text += f", {made.calls:,} calls made now (${made.cost_usd:.4f})"
    text += f", {made.unread:,} without a readable reply" if made.unread else ""
    click.echo(text + (f"; stopped: {made.stopped}" if made.stopped else ""))


def _print_agreement(rows: Sequence[dict[str, Any]], *, as_json: bool) -> None:
    """Prints how far each pair of labellers agrees."""
    rounded = [
        {
            "labellers": f"{row['labeller']} ({row['version']}), {row['other']} ({row['other_version']})",
            "label": row["label"].partition("_")[0],
            "wrote": "scripted" if row["scripted"] else "models",
            "n": row["n"],
            "agreed": share(row["agreed"]),
            "yes": None if row["yes"] is None else f"{row['yes']:.0%}, {row['other_yes']:.0%}",
            "kappa": None if row["kappa"] is None else f"{row['kappa']:.2f}",
            "95% CI": _interval(row),
        }
        for row in rows
    ]
    table(list(rows) if as_json else rounded, as_json=as_json, title="Agreement of labellers (Cohen's kappa)")


def _interval(row: dict[str, Any]) -> str | None:
    """The bounds of kappa; if there are none, the reason."""
    return row["ci_method"] if row["ci_low"] is None else f"[{row['ci_low']:.2f}, {row['ci_high']:.2f}]"
