"""Labels of messages, by a model or a person."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from di_assets.cli.base import BadInput, Finite, Interrupted, WorkFailed, errors, main, open_home_of, printing

if TYPE_CHECKING:
    from di_assets.assets.home import Home
    from di_assets.labelling.sample import Message

BY_HAND = 50  # messages that a person is shown unless told


@main.command()
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
    with errors():
        from di_assets.control_room.runs import materialise_labels  # noqa: PLC0415

        home, stopped = open_home_of(options, writing=True), None
        if labeller is not None:
            from di_assets.labelling.person import check_name  # noqa: PLC0415

            check_name(labeller, home.configs)
        if model is not None:
            stopped = _label_with_model(home, model, _messages(home, arm, sample, seed), budget_usd, as_json=as_json)
        elif labeller is not None:
            _label_by_hand(home, labeller, _messages(home, arm, sample or BY_HAND, seed))
        materialise_labels(home)
        if agreement:
            rows = home.warehouse.read("label_agreement").to_dicts()
            printing().agreement(rows, as_json=as_json)
        if stopped:
            raise WorkFailed("labelling stopped before the end; run the same again to resume it")


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
    from di_assets.arms.configs import LOCAL  # noqa: PLC0415
    from di_assets.calls.stopping import heard  # noqa: PLC0415
    from di_assets.cli.progress import Count, progress  # noqa: PLC0415
    from di_assets.labelling.model import label_with_model  # noqa: PLC0415
    from di_assets.play.keys import check_keys  # noqa: PLC0415

    if model in home.configs.models:
        check_keys(replace(home.configs, play=LOCAL), [model])  # asked from here, whatever engine plays
    texts = [message.text for message in messages]
    with progress() as line, heard(home.stop):
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
    printing().labelled(made, as_json=as_json)
    if home.stop.interrupted:
        rest = f"about ${made.left * made.cost_usd / made.calls:.2f}" if made.calls else "nothing is asked yet"
        raise Interrupted(
            f"{home.stop.reason}; the {made.calls:,} calls made are kept (${made.cost_usd:.4f}); "
            f"{made.left:,} texts are left to label, {rest}; run the same again to resume"
        )
    return made.stopped


def _label_by_hand(home: "Home", name: str, sample: "list[Message]") -> None:
    from di_assets.labelling.person import Answers, check_name, codebook, label_by_hand  # noqa: PLC0415
    from di_assets.labelling.stored import alone, person_file  # noqa: PLC0415

    path = person_file(home.warehouse, check_name(name, home.configs))
    text, version = codebook(home.configs.prompts)
    click.echo(text)
    with alone(home.warehouse, path), Answers(path, version) as answers:
        label_by_hand(sample, answers, _keys(), printing().question)
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
