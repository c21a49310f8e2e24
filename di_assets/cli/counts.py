"""The counts of a run over several batches, for its progress line."""

from collections.abc import Sequence

from di_assets.arms import Arm, arm_of
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.calls.tally import Tally
from di_assets.cli.progress import Count
from di_assets.play.pace import calls_an_episode
from di_assets.play.spent import spent_so_far


class Counts:
    """Counts of the batches of a run.

    Args:
        home: configuration and warehouse.
        outcome: results of the run's batches so far.
        arms: the arms that are played.
        budget_usd: the most to spend on the whole run; None if only the arms' own budgets apply.
    """

    def __init__(self, home: Home, outcome: Outcome, arms: Sequence[Arm], budget_usd: float | None) -> None:
        self._home, self._outcome, self._budget_usd = home, outcome, budget_usd
        self._calls = {arm.name: calls_an_episode(home.configs, arm) for arm in arms}
        self._before = {
            arm.name: 0.0 if home.configs.only_scripted(arm) else spent_so_far(home.warehouse, arm) for arm in arms
        }
        self._arms = [arm.name for arm in arms]

    def of(self, batch: str, done: int, total: int, tally: Tally) -> Count:
        """The counts while a batch is played. Spending is shown against the run's budget, or else the arm's."""
        arm = self._home.configs.arm(arm_of(batch))
        results = self._outcome.results
        budget = self._budget_usd if self._budget_usd is not None else arm.budget_usd
        counted = [
            result.cost_usd for result in results if self._budget_usd is not None or arm_of(result.batch) == arm.name
        ]
        spent = sum(counted) + (self._before[arm.name] if self._budget_usd is None else 0.0)
        # A resumed journal already holds calls, which are not made again.
        left = self._calls[arm.name] * total - tally.calls - tally.replayed
        others = {arm_of(result.batch) for result in results} | {arm.name}
        then = [name for name in self._arms if name not in others]
        return Count(
            what=batch,
            unit="episodes",
            done=done,
            total=total,
            calls=tally.calls,
            calls_left=max(0.0, left) if self._calls[arm.name] else None,
            spent_usd=spent + tally.cost_usd,
            of_usd=budget,
            then=", ".join(
                [*(["measuring"] if done >= total else []), *([f"then {' and '.join(then)}"] if then else [])]
            ),
        )
