"""What append-only prompts save: tokens of one 25-round episode, against a prompt rebuilt for each call.

Every seat of `04_attack_complete` is rehearsed by a stand-in, and what a model would be sent is measured in bytes (4 to
a token). Append-only: what was sent before stands first in what is sent next, so that a provider's prompt cache holds
it. Rebuilt: the same events told as one compact log under the current score, so that nothing but the rules is found
again. `python bench/prompts.py`
"""

from pathlib import Path

from di_assets.arms import load_configs, plan
from di_assets.arms.models import Price
from di_assets.play.rehearsal import Prompt, rehearse

BYTES_PER_TOKEN = 4
PRICE = Price(input=3.0, cached=0.3, written=3.75, output=15.0)
ARM = "04_attack_complete"


def rebuilt_bytes(prompt: Prompt) -> int:
    """The same events in one turn: earlier questions left out (each turn's last line), own replies as log lines."""
    told = [text.rsplit("\n", 1)[0] if role == "user" else text for role, text in prompt.request.turns[:-1]]
    return len("\n".join([prompt.request.system, *told, prompt.request.turns[-1][1]]).encode())


def main() -> None:
    configs = load_configs(Path(__file__).parent.parent / "configs")
    arm = configs.arm(ARM)
    seats = rehearse(plan(arm)[0], arm, configs)
    prompts = [prompt for seat in seats.values() for prompt in seat]
    sent = sum(p.sent_bytes for p in prompts) / BYTES_PER_TOKEN
    seen = sum(p.seen_bytes for p in prompts) / BYTES_PER_TOKEN
    rebuilt = sum(rebuilt_bytes(p) for p in prompts) / BYTES_PER_TOKEN
    rules = sum(len(p.request.system.encode()) for seat in seats.values() for p in seat[1:]) / BYTES_PER_TOKEN
    rows = [
        ("append-only, cached", sent, seen, PRICE.cost(round(sent), round(seen), 0, round(sent - seen))),
        ("append-only, no cache", sent, 0.0, PRICE.cost(round(sent), 0, 0)),
        ("rebuilt, rules cached", rebuilt, rules, PRICE.cost(round(rebuilt), round(rules), 0)),
        ("rebuilt, no cache", rebuilt, 0.0, PRICE.cost(round(rebuilt), 0, 0)),
    ]
    print(f"{ARM}: one episode, {len(prompts)} calls, input tokens")
    print(f"{'':24}{'sent':>12}{'from cache':>12}{'new':>12}{'US dollars':>12}{'against rebuilt':>17}")
    for name, tokens, cached, cost in rows:
        ratio = (tokens - cached) / (rebuilt - rules)
        print(f"{name:24}{tokens:12,.0f}{cached:12,.0f}{tokens - cached:12,.0f}{cost:12.3f}{ratio:16.2f}x")


if __name__ == "__main__":
    main()
