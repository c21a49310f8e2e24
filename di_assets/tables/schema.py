"""The table contract: grain, keys, columns, types and meaning of every table.

Keys come first; `episode_id` is in every per-episode table; rounds count from 1; seats are integers from 0.
Undefined is null, never 0. Zeros are rows. Rows are sorted by key before they are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

TEXT, INT, FLOAT, BOOL = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()
TIME = pl.Datetime("us", "UTC")


class ContractError(ValueError):
    """A frame does not keep its table's contract; the message names the table, the column and what is wrong."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, Polars type, meaning with unit, and whether it may be null."""

    name: str
    dtype: pl.DataType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    Attributes:
        name: as in `di export NAME`.
        grain: what one row is.
        keys: columns that identify a row; the sort order on disk.
        columns: in order, keys first.
        partitioned: one Parquet file a batch (True) or one file in all (False).
    """

    name: str
    grain: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioned: bool = True

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name -> Polars type, in the contract's order."""
        return {c.name: c.dtype for c in self.columns}

    def empty(self) -> pl.DataFrame:
        """A frame of this table with no rows."""
        return pl.DataFrame(schema=self.schema)

    def in_order(self, frame: pl.DataFrame) -> bool:
        """Whether the keys ascend from row to row, and so occur once each: one pass, many times as quick as a sort."""
        ascends = pl.lit(value=False)
        for key in reversed(self.keys):
            here, before = pl.col(key), pl.col(key).shift()
            ascends = (here > before) | ((here == before) & ascends)
        return frame.select(ascends.slice(1).all(ignore_nulls=False)).item() is True

    def frame(self, rows: list[tuple[object, ...]]) -> pl.DataFrame:
        """Rows (tuples in column order) as a frame that keeps the contract."""
        return self.conform(pl.DataFrame(rows, schema=self.schema, orient="row"))

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame in the contract's column order, types and row order.

        Raises:
            ContractError: a column is missing or extra, a type cannot be cast, a null stands where none may,
                or a key occurs twice.
        """
        missing = [c for c in self.schema if c not in frame.columns]
        extra = [c for c in frame.columns if c not in self.schema]
        if missing or extra:
            raise ContractError(f"table {self.name}: missing columns {missing}, columns not in the contract {extra}")
        try:
            if list(frame.schema.items()) != list(self.schema.items()):
                frame = frame.select(list(self.schema)).cast(pl.Schema(self.schema))
        except pl.exceptions.PolarsError as error:
            raise ContractError(f"table {self.name}: {error}") from error
        nulls = [c.name for c in self.columns if not c.nullable and frame[c.name].null_count()]
        if nulls:
            raise ContractError(f"table {self.name}: null in {nulls}, which are never undefined")
        if self.in_order(frame):
            return frame
        frame = frame.sort(self.keys)
        twice = frame.filter(frame.select(self.keys).is_duplicated())
        if not twice.is_empty():
            found = twice.select(self.keys).row(0, named=True)
            raise ContractError(f"table {self.name}: key {found} occurs more than once")
        return frame


def _columns(*specs: tuple[str, pl.DataType, str]) -> tuple[Column, ...]:
    """Columns from (name, type, meaning); a name ending in `?` may be null."""
    return tuple(Column(name.rstrip("?"), dtype, meaning, name.endswith("?")) for name, dtype, meaning in specs)


EPISODE = ("episode_id", TEXT, "the episode; the unit of every statistic")
EVENT = ("event_id", INT, "0, 1, 2, ... within the episode; with episode_id a link that stays valid for ever")

EPISODES = Table(
    "episodes",
    "episode",
    ("episode_id",),
    _columns(
        EPISODE,
        ("arm", TEXT, "the arm's name, as its file in configs/"),
        ("batch", TEXT, "the partition the episode is stored in"),
        ("launch?", TEXT, "launch time of an arm that may be launched again and again"),
        ("condition", TEXT, "topology/payoff/messaging"),
        ("topology", TEXT, "name of the graph over the seats"),
        ("payoff", TEXT, "pure, or outside(v)"),
        (
            "channel",
            TEXT,
            "open, none (messages off), focal_muted, rivals_muted or placebo; see the rules",
        ),
        ("focal_model?", TEXT, "the model under test; null in a mixed arm"),
        ("focal_seat?", INT, "its seat; null in a mixed arm"),
        ("replicate", INT, "counts the episodes of one focal model (or of a mixed arm), from 0"),
        ("seed", INT, "fixes everything random in the episode"),
        ("n_seats", INT, "players"),
        ("n_rounds", INT, "rounds"),
        ("scripted", BOOL, "true when every seat was played by a scripted agent"),
        ("status", TEXT, "complete, failed or stopped (resumable both)"),
        ("failure?", TEXT, "why a failed episode failed"),
        ("started_at", TIME, "when the first call was made"),
        ("finished_at?", TIME, "when the last reply came"),
        ("rules_version", TEXT, "version of the rules it was played by"),
        ("prompt_hash", TEXT, "sha256 of the prompt templates it was played with"),
        ("config_hash", TEXT, "sha256 of the arm and of its models as configured"),
        ("journal_sha256", TEXT, "sha256 of the replies in call order; what verify checks"),
        ("n_calls", INT, "requests made, re-asks included"),
        ("n_forfeits", INT, "pulls lost to invalid replies"),
        ("input_tokens", INT, "tokens sent"),
        ("output_tokens", INT, "tokens received"),
        ("cost_usd", FLOAT, "US dollars"),
    ),
)
SEATS = Table(
    "seats",
    "episode x seat",
    ("episode_id", "seat"),
    _columns(
        EPISODE,
        ("seat", INT, "0..n_seats-1"),
        ("label", TEXT, "the letter the players see, as in `Player A`"),
        ("model", TEXT, "what plays the seat; never shown to the players"),
        ("role", TEXT, "focal, background or mixed"),
        ("kind", TEXT, "scripted or llm"),
    ),
)
EDGES = Table(
    "edges",
    "episode x edge",
    ("episode_id", "seat_a", "seat_b"),
    _columns(EPISODE, ("seat_a", INT, "the lower seat"), ("seat_b", INT, "the higher seat")),
)
MESSAGES = Table(
    "messages",
    "message",
    ("episode_id", "event_id"),
    _columns(
        EPISODE,
        EVENT,
        ("round", INT, "from 1"),
        ("exchange", INT, "which message phase of the round, from 1"),
        ("sender", INT, "seat"),
        ("recipient", INT, "seat, a neighbour of the sender"),
        (
            "text",
            TEXT,
            "as delivered: a focal seat's in placebo is filler (its own is in calls.reply_text); hostile text",
        ),
        ("truncated", BOOL, "true when it was cut to max_message_chars"),
    ),
)
PULLS = Table(
    "pulls",
    "seat x round",
    ("episode_id", "event_id"),
    _columns(
        EPISODE,
        EVENT,
        ("round", INT, "from 1"),
        ("puller", INT, "seat"),
        ("target?", INT, "seat that received the pull; null for a forfeit; the puller itself when kept"),
        ("status", TEXT, "valid, forfeit or kept"),
    ),
)
CALLS = Table(
    "calls",
    "request to a model",
    ("episode_id", "call_id"),
    _columns(
        EPISODE,
        ("call_id", INT, "0, 1, 2, ... in the order round, phase, exchange, seat, attempt"),
        ("round", INT, "from 1"),
        ("phase", TEXT, "message or pull"),
        ("exchange", INT, "from 1; 0 in the pull phase"),
        ("seat", INT, "who was asked"),
        ("attempt", INT, "0, then 1 and 2 for re-asks"),
        ("provider", TEXT, "openai, anthropic or scripted"),
        ("model", TEXT, "model name, as in configs/models.yaml"),
        (
            "request_hash",
            TEXT,
            "sha256 of what was asked; a scripted agent's is model/seed/label/round/phase/exchange/attempt",
        ),
        ("reply_text", TEXT, "the reply as it came; hostile text"),
        ("reasoning_text?", TEXT, "the model's visible reasoning, where it gives one"),
        ("status", TEXT, "ok, or the kind of invalid reply or of fault (then there is no reply)"),
        ("error?", TEXT, "why the reply was not valid, as told to the model"),
        ("input_tokens?", INT, "tokens sent, cached ones included; null where the server does not say"),
        ("cached_tokens?", INT, "those of them read from the provider's prompt cache"),
        ("output_tokens?", INT, "tokens received, reasoning included"),
        ("cost_usd?", FLOAT, "US dollars; where no usage was told (input_tokens is null), the most it can have cost"),
        ("latency_s", FLOAT, "seconds from request to reply"),
        ("started_at", TIME, "when the request was made"),
        ("retried?", TEXT, "kinds of the faults that were retried on the way, in order, separated by spaces"),
    ),
)
MESSAGE_LABELS = Table(
    "message_labels",
    "message x labeller",
    ("episode_id", "event_id", "labeller"),
    _columns(
        EPISODE,
        EVENT,
        ("asks_for_pull", BOOL, "the message asks its recipient for a pull"),
        ("promises_pull", BOOL, "the sender promises its recipient a pull"),
        ("labeller", TEXT, "who labelled: a rule, a judge, a person"),
        ("version", TEXT, "version of the labeller"),
    ),
)
PROMISES = Table(
    "promises",
    "promising message x labeller",
    ("episode_id", "event_id", "labeller"),
    _columns(
        EPISODE,
        EVENT,
        ("labeller", TEXT, "who says that the message promises a pull; one that labelled the whole episode"),
        ("round", INT, "in which it was written, from 1"),
        ("sender", INT, "seat"),
        ("recipient", INT, "seat"),
        ("model", TEXT, "what plays the sender"),
        ("scripted", BOOL, "the sender is a scripted agent"),
        ("last", INT, "last round of the promise's window, which begins with `round`"),
        ("whole", BOOL, "the game did not cut the window short"),
        ("repeats", BOOL, "an earlier promise to the same recipient was still open"),
        ("outcome", TEXT, "kept, broken or open"),
        ("recipient_pulled", BOOL, "the recipient pulled the sender in the window"),
        ("owed", BOOL, "it did with a round of the window to come: a promise on that condition fell due"),
        ("points", INT, "pulls of the recipient for the sender in the window"),
        ("chance", FLOAT, "probability that the sender's valid pulls in the window, made at random, had kept it"),
    ),
)
PULL_KINDS = Table(
    "pull_kinds",
    "valid pull",
    ("episode_id", "event_id"),
    _columns(EPISODE, EVENT, ("kind", TEXT, "payback, solicited or unprompted")),
)
CHOICES = Table(
    "choices",
    "episode x puller's model x pattern",
    ("episode_id", "model", "n_neighbours", "n_owed", "owed", "owed_before", "asked", "focal"),
    _columns(
        EPISODE,
        ("model", TEXT, "what plays the puller i"),
        ("n_neighbours", INT, "neighbours of i"),
        ("n_owed", INT, "those of them that pulled i in the round before"),
        ("owed", BOOL, "the neighbour j pulled i in the round before"),
        ("owed_before", BOOL, "j pulled i two or three rounds before"),
        ("asked", BOOL, "j asked i for a pull in this round"),
        ("focal", BOOL, "j is the focal seat"),
        ("n", INT, "how often a neighbour stood so in a round in which i made a valid pull"),
        ("pulled", INT, "how often of these i pulled it"),
    ),
)
PAIR_CAPTURE = Table(
    "pair_capture",
    "ordered pair of distinct seats",
    ("episode_id", "seat", "other"),
    _columns(
        EPISODE,
        ("seat", INT, "i"),
        ("other", INT, "j"),
        ("adjacent", BOOL, "an edge joins them"),
        ("residual_in", FLOAT, "r(j->i): pulls per round from j to i above the tit-for-tat forecast"),
        ("residual_out", FLOAT, "r(i->j): pulls per round from i to j above the tit-for-tat forecast"),
        ("net_capture", FLOAT, "(residual_in - residual_out) / 2; antisymmetric; 0 where no edge joins them"),
    ),
)
SEAT_MEASURES = Table(
    "seat_measures",
    "episode x seat",
    ("episode_id", "seat"),
    _columns(
        EPISODE,
        ("seat", INT, "0..n_seats-1"),
        ("model", TEXT, "what plays the seat"),
        ("role", TEXT, "focal, background or mixed"),
        ("points", INT, "pulls received"),
        ("floor_points", FLOAT, "points that blind reciprocation alone would have brought"),
        ("capture", FLOAT, "mean net capture over the others, in [-1, 1]"),
    ),
)
EPISODE_MEASURES = Table(
    "episode_measures",
    "episode",
    ("episode_id",),
    _columns(
        EPISODE,
        ("arm", TEXT, "the arm's name"),
        ("condition", TEXT, "topology/payoff/messaging"),
        ("focal_model?", TEXT, "null in a mixed arm"),
        ("n_pulls", INT, "valid pulls"),
        ("n_forfeits", INT, "pulls lost"),
        ("focal_points?", INT, "points of the focal seat"),
        ("focal_floor_points?", FLOAT, "its reciprocity floor"),
        ("focal_capture?", FLOAT, "its capture"),
        ("cascades", INT, "onsets of majority convergence"),
        ("gini", FLOAT, "inequality of final points; 0 equal, 0.8 the most at five seats"),
        ("payback_rate?", FLOAT, "share of valid pulls; null without any"),
        ("solicited_not_payback_rate?", FLOAT, "share of valid pulls; null without any"),
        ("unprompted_rate?", FLOAT, "share of valid pulls; null without any"),
    ),
)
MODEL_POINTS = Table(
    "model_points",
    "model x condition",
    ("condition", "model"),
    _columns(
        ("condition", TEXT, "topology/payoff/messaging"),
        ("model", TEXT, "focal model"),
        ("n", INT, "independent episodes"),
        ("points_mean", FLOAT, "mean points of the focal seat an episode"),
        ("ci_low?", FLOAT, "95% interval of points_mean"),
        ("ci_high?", FLOAT, "95% interval of points_mean"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
        ("floor_points_mean", FLOAT, "mean reciprocity floor"),
        ("capture_mean", FLOAT, "mean capture"),
        ("capture_ci_low?", FLOAT, "95% interval of capture_mean, by the same method"),
        ("capture_ci_high?", FLOAT, "95% interval of capture_mean, by the same method"),
    ),
    partitioned=False,
)
AGAINST_A_NULL = (
    ("measure", TEXT, "measure/null: the measure, then the null model it is held against"),
    ("n", INT, "independent episodes observed: relaunches of one seed are one"),
    ("observed_mean?", FLOAT, "mean over those episodes"),
    ("null_mean?", FLOAT, "mean under the null"),
    ("null_low?", FLOAT, "2.5% point of the mean of n episodes under the null"),
    ("null_high?", FLOAT, "97.5% point of the mean of n episodes under the null"),
    ("null_place?", FLOAT, "share of the null's means below the observed one, equal ones half; in [0, 1]"),
    ("p_value?", FLOAT, "two-sided"),
)
RECIPROCITY_BASELINE = Table(
    "reciprocity_baseline",
    "condition x measure",
    ("condition", "measure"),
    _columns(("condition", TEXT, "topology/payoff/messaging"), *AGAINST_A_NULL),
    partitioned=False,
)
MODEL_BASELINE = Table(
    "model_baseline",
    "condition x focal model x measure",
    ("condition", "model", "measure"),
    _columns(
        ("condition", TEXT, "topology/payoff/messaging"),
        ("model", TEXT, "focal model of the episodes"),
        *AGAINST_A_NULL,
    ),
    partitioned=False,
)
REACTIONS = Table(
    "reactions",
    "condition x puller's model x term",
    ("condition", "model", "term"),
    _columns(
        ("condition", TEXT, "topology/payoff/messaging"),
        ("model", TEXT, "what plays the pullers, in whatever role"),
        ("term", TEXT, "intercept, or what is so of a neighbour: see `choices`; rival_owed: another one is owed"),
        ("n", INT, "independent episodes: of one seed they are one"),
        ("n_choices", INT, "valid pulls of seats with more than one neighbour"),
        (
            "coefficient?",
            FLOAT,
            "log odds ratio of a pull for a neighbour of which it is so; intercept: departure from chance",
        ),
        ("standard_error?", FLOAT, "of the coefficient, clustered by seed"),
        ("ci_low?", FLOAT, "95% interval of the coefficient"),
        ("ci_high?", FLOAT, "95% interval of the coefficient"),
        ("p_value?", FLOAT, "two-sided, of no effect"),
        ("effect?", FLOAT, "average change of the probability of a pull as the term turns from 0 to 1"),
        ("effect_ci_low?", FLOAT, "95% interval of the effect"),
        ("effect_ci_high?", FLOAT, "95% interval of the effect"),
        ("share_with?", FLOAT, "share of neighbours pulled where it is so"),
        ("share_without?", FLOAT, "share of neighbours pulled where it is not"),
        ("reason?", TEXT, "why there is no coefficient, or no interval"),
    ),
    partitioned=False,
)
REPAYMENTS = Table(
    "repayments",
    "condition x puller's model",
    ("condition", "model"),
    _columns(
        ("condition", TEXT, "topology/payoff/messaging"),
        ("model", TEXT, "what plays the pullers, in whatever role"),
        ("n", INT, "independent episodes: of one seed they are one"),
        ("n_owed", INT, "valid pulls made when a neighbour had pulled the puller in the round before"),
        ("repaid_share?", FLOAT, "share of them that went to such a neighbour; 1 in the tit-for-tat forecast"),
        ("chance_share?", FLOAT, "share that would by chance"),
        ("propensity?", FLOAT, "(repaid_share - chance_share) / (1 - chance_share); at most 1, 0 is chance"),
        ("ci_low?", FLOAT, "95% interval of the propensity"),
        ("ci_high?", FLOAT, "95% interval of the propensity"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
    ),
    partitioned=False,
)
ESTIMATED_FLOORS = Table(
    "estimated_floors",
    "condition x focal model",
    ("condition", "model"),
    _columns(
        ("condition", TEXT, "topology/payoff/messaging"),
        ("model", TEXT, "focal model"),
        ("n", INT, "independent episodes"),
        ("points_mean", FLOAT, "mean points of the focal seat an episode"),
        ("floor_points_mean", FLOAT, "mean reciprocity floor: every rival repays whenever it can"),
        ("estimated_floor_points_mean", FLOAT, "mean floor with each rival model's own propensity to repay"),
        ("above_mean", FLOAT, "points_mean - estimated_floor_points_mean"),
        ("ci_low?", FLOAT, "95% interval of above_mean, propensities taken as known"),
        ("ci_high?", FLOAT, "95% interval of above_mean, propensities taken as known"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
    ),
    partitioned=False,
)
LIFT = Table(
    "lift",
    "model",
    ("model",),
    _columns(
        ("model", TEXT, "focal model"),
        ("n_on", INT, "episodes with messages on"),
        ("n_off", INT, "episodes with messages off"),
        ("n_pairs", INT, "matched pairs"),
        ("points_on?", FLOAT, "mean points with messages on; over the matched pairs where there are any"),
        ("points_off?", FLOAT, "mean points with messages off; likewise"),
        ("lift?", FLOAT, "points_on - points_off, points an episode"),
        ("ci_low?", FLOAT, "95% interval of the lift"),
        ("ci_high?", FLOAT, "95% interval of the lift"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
        ("p_value?", FLOAT, "two-sided, raw"),
        ("p_holm?", FLOAT, "Holm-adjusted over the models"),
        ("needs?", TEXT, "the arm that is still to be played, the control or the one it mirrors"),
    ),
    partitioned=False,
)
CHANNEL_LIFT = Table(
    "channel_lift",
    "arm x model x contrast",
    ("arm", "model", "contrast"),
    _columns(
        ("arm", TEXT, "the arm with an open channel that the controls mirror"),
        ("model", TEXT, "focal model"),
        ("game", TEXT, "topology/payoff, the same in all arms compared"),
        ("contrast", TEXT, "what the difference is due to; total_talk is the lift of this arm's matched pairs"),
        ("formula", TEXT, "the channels whose points are added and subtracted"),
        ("n_pairs", INT, "seeds on which every channel of the formula is played"),
        ("points_heard?", FLOAT, "mean points in the channel added; null in the interaction of four"),
        ("points_unheard?", FLOAT, "mean points in the channel subtracted; likewise"),
        ("difference?", FLOAT, "mean of the formula, points an episode"),
        ("ci_low?", FLOAT, "95% interval of the difference"),
        ("ci_high?", FLOAT, "95% interval of the difference"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
        ("p_value?", FLOAT, "two-sided, raw"),
        ("p_holm?", FLOAT, "Holm-adjusted over the contrasts of this arm and model"),
        ("needs?", TEXT, "the arm that is still to be played"),
    ),
    partitioned=False,
)
LOOKS = Table(
    "looks",
    "look at a control's lift of a model",
    ("arm", "model", "look"),
    _columns(
        ("arm", TEXT, "the control arm's name"),
        ("model", TEXT, "focal model"),
        ("look", INT, "counts the looks at this lift, from 1"),
        ("n_pairs", INT, "matched pairs by then"),
        ("planned", INT, "pairs planned as of then; 0 where the plan no longer has the model"),
        ("fraction?", FLOAT, "share of the planned pairs that was played; null where none is planned"),
        ("looked_at", TIME, "when"),
        ("lift", FLOAT, "points on - points off over those pairs, points an episode"),
        ("alpha?", FLOAT, "two-sided level of this look alone; 0 where it was too early, null beyond a spent plan"),
        ("ci_low?", FLOAT, "95% interval of the lift that holds over all looks together"),
        ("ci_high?", FLOAT, "95% interval of the lift that holds over all looks together"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
        ("p_value?", FLOAT, "two-sided, holds over all looks together; null where the pairs do not vary"),
    ),
    partitioned=False,
)
RELATIONS = Table(
    "relations",
    "arm x condition",
    ("arm", "condition"),
    _columns(
        ("arm", TEXT, "the arm's name"),
        ("condition", TEXT, "topology/payoff/messaging"),
        ("n", INT, "independent episodes: of one seed they are one"),
        ("n_episodes", INT, "episodes measured"),
        ("n_excluded", INT, "complete episodes left out"),
        ("excluded?", TEXT, "why they were"),
        ("giver_variance?", FLOAT, "of seats as givers; as estimated, negative ones kept, like all of these"),
        ("giver_ci_low?", FLOAT, "95% interval of giver_variance"),
        ("giver_ci_high?", FLOAT, "95% interval of giver_variance"),
        ("giver_share?", FLOAT, "of the three variances' sum, negative ones counted as 0; null where none is positive"),
        ("receiver_variance?", FLOAT, "of seats as receivers"),
        ("receiver_ci_low?", FLOAT, "95% interval of receiver_variance"),
        ("receiver_ci_high?", FLOAT, "95% interval of receiver_variance"),
        ("receiver_share?", FLOAT, "likewise"),
        ("dyad_variance?", FLOAT, "of who pulls whom beyond that; 1 / (rounds x (seats - 1)) when pulls are random"),
        ("dyad_ci_low?", FLOAT, "95% interval of dyad_variance"),
        ("dyad_ci_high?", FLOAT, "95% interval of dyad_variance"),
        ("dyad_share?", FLOAT, "likewise"),
        ("giver_receiver_covariance?", FLOAT, "of a seat as giver and as receiver"),
        ("giver_receiver_ci_low?", FLOAT, "95% interval of giver_receiver_covariance"),
        ("giver_receiver_ci_high?", FLOAT, "95% interval of giver_receiver_covariance"),
        ("reciprocity_covariance?", FLOAT, "of the two directions of a pair, beyond giver and receiver"),
        ("reciprocity_ci_low?", FLOAT, "95% interval of reciprocity_covariance"),
        ("reciprocity_ci_high?", FLOAT, "95% interval of reciprocity_covariance"),
        ("ci_method", TEXT, "how the intervals were made, or why there are none"),
    ),
    partitioned=False,
)
LABEL_AGREEMENT = Table(
    "label_agreement",
    "pair of labellers x label x kind of sender",
    ("labeller", "version", "other", "other_version", "label", "scripted"),
    _columns(
        ("labeller", TEXT, "one labeller"),
        ("version", TEXT, "its version"),
        ("other", TEXT, "another labeller"),
        ("other_version", TEXT, "its version"),
        ("label", TEXT, "asks_for_pull or promises_pull"),
        ("scripted", BOOL, "of messages that scripted agents wrote, or of those of models"),
        ("n", INT, "messages that both labelled"),
        ("n_blocks", INT, "independent episodes they come from: of one condition, focal model and seed they are one"),
        ("agreed?", FLOAT, "share of them on which both say the same"),
        ("yes?", FLOAT, "share of them on which the first says yes"),
        ("other_yes?", FLOAT, "share of them on which the other does"),
        ("kappa?", FLOAT, "Cohen's kappa: agreement beyond chance, in [-1, 1]"),
        ("ci_low?", FLOAT, "95% interval of kappa, messages clustered in episodes"),
        ("ci_high?", FLOAT, "95% interval of kappa"),
        ("ci_method", TEXT, "how the interval was made, or why there is none, or no kappa"),
    ),
    partitioned=False,
)
PROMISE_LEDGER = Table(
    "promise_ledger",
    "labeller x condition x model",
    ("labeller", "condition", "model"),
    _columns(
        ("labeller", TEXT, "who says what promises a pull"),
        ("condition", TEXT, "topology/payoff/messaging; only with messages"),
        ("model", TEXT, "what promised, focal or not"),
        ("scripted", BOOL, "it is a scripted agent"),
        ("n_episodes", INT, "complete episodes that it sat in and that are labelled wholly"),
        ("messages", INT, "promising messages, each one counted"),
        ("made", INT, "promises: those that repeat one still open are not counted again, here and below"),
        ("kept", INT, "of those made"),
        ("broken", INT, "of those made"),
        ("open", INT, "of those made: the game ended first, or every pull was forfeited"),
        ("owed", INT, "of those made: the recipient pulled the sender while there was a round left to answer"),
        ("owed_kept", INT, "of those owed, kept"),
        ("points_kept", INT, "points that recipients gave the promiser in the windows of kept promises"),
        ("points_broken", INT, "points that recipients gave the promiser in the windows of broken ones"),
        ("n", INT, "independent episodes with a promise kept or broken in a window that lies within the game"),
        ("kept_share?", FLOAT, "share of such promises that were kept, mean over those episodes"),
        ("ci_low?", FLOAT, "95% interval of kept_share"),
        ("ci_high?", FLOAT, "95% interval of kept_share"),
        ("ci_method", TEXT, "how the interval was made, or why there is none"),
        ("chance_share?", FLOAT, "the share that as many pulls made at random would have kept; likewise a mean"),
        ("owed_kept_share?", FLOAT, "share kept of those owed, likewise"),
        ("points_a_kept?", FLOAT, "points a kept promise, likewise"),
        ("points_a_broken?", FLOAT, "points a broken promise, likewise"),
    ),
    partitioned=False,
)

EVENT_TABLES = (EPISODES, SEATS, EDGES, CALLS, MESSAGES, PULLS)
TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        *(EVENT_TABLES),
        MESSAGE_LABELS,
        PROMISES,
        PULL_KINDS,
        CHOICES,
        PAIR_CAPTURE,
        SEAT_MEASURES,
        EPISODE_MEASURES,
        MODEL_POINTS,
        RECIPROCITY_BASELINE,
        MODEL_BASELINE,
        LIFT,
        CHANNEL_LIFT,
        LOOKS,
        RELATIONS,
        REACTIONS,
        REPAYMENTS,
        ESTIMATED_FLOORS,
        LABEL_AGREEMENT,
        PROMISE_LEDGER,
    )
}
