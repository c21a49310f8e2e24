"""Makes the players of a planned episode: scripted agents, and language models reached over their connections."""

from di_assets.agents.llm import LLMPlayer
from di_assets.agents.player import Player
from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import READER_VERSION
from di_assets.agents.scripted import scripted_player
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.calls.call import Header
from di_assets.calls.sending import Lines
from di_assets.game.board import may_write
from di_assets.game.types import RULES_VERSION
from di_assets.tables.words import FOCAL

SCRIPTED_PROMPTS = "scripted: no prompts"


def players(planned: PlannedEpisode, arm: Arm, configs: Configs, prompts: Prompts, lines: Lines) -> list[Player]:
    """Makes one new player per seat, in the order of seats."""
    setup = planned.setup
    seats: list[Player] = []
    for seat, (model, role, label) in enumerate(zip(planned.models, planned.roles, setup.labels, strict=True)):
        if configs.is_scripted(model):
            seats.append(scripted_player(model, seed=setup.seed))
            continue
        name = arm.instructions.focal if role == FOCAL else arm.instructions.background
        seats.append(
            LLMPlayer(
                model,
                configs.models[model].endpoint(model),
                connect=lines.provider,
                prompts=prompts,
                instructions=prompts.instructions(name, messages=may_write(setup, seat)) if name else None,
                seed=setup.seed,
                label=label,
                episode_id=planned.episode_id,
            )
        )
    return seats


def header(planned: PlannedEpisode, arm: Arm, configs: Configs, prompts: Prompts) -> Header:
    """The header of an episode that is played now: today's versions and hashes."""
    scripted = all(map(configs.is_scripted, planned.models))
    return Header(
        episode_id=planned.episode_id,
        rules_version=RULES_VERSION,
        prompt_hash=SCRIPTED_PROMPTS if scripted else prompts.hash,
        config_hash=configs.config_hash(arm),
        reader_version=READER_VERSION,
    )
