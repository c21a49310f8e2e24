"""The six event tables of a batch: episodes, seats, edges, messages, pulls and calls."""

from di_assets.tables.contract import BOOL, EPISODE, EVENT, FLOAT, INT, TEXT, TIME, Table, columns

EPISODES = Table(
    "episodes",
    "episode",
    ("episode_id",),
    columns(
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
        (
            "reader_version?",
            TEXT,
            "version of the reader of its replies; null in older files, which the first one read",
        ),
        (
            "engine?",
            TEXT,
            "batch if a provider's batch interface was used, else live; null if scripted, and in older files (live)",
        ),
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
    columns(
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
    columns(EPISODE, ("seat_a", INT, "the lower seat"), ("seat_b", INT, "the higher seat")),
)
MESSAGES = Table(
    "messages",
    "message",
    ("episode_id", "event_id"),
    columns(
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
    columns(
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
    columns(
        EPISODE,
        ("call_id", INT, "0, 1, 2, ... in the order round, phase, exchange, seat, attempt"),
        ("round", INT, "from 1"),
        ("phase", TEXT, "message or pull"),
        ("exchange", INT, "from 1; 0 in the pull phase"),
        ("seat", INT, "who was asked"),
        ("attempt", INT, "0, then 1 and 2 for re-asks"),
        ("provider", TEXT, "the dialect, as `provider` in configs/models.yaml; or scripted"),
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
        (
            "request_id?",
            TEXT,
            "the provider's, where it tells one; of tries that were retried too, separated by spaces",
        ),
        (
            "bound_usd?",
            FLOAT,
            "the most it could cost, US dollars; a server that did not keep to what it was asked for charged more",
        ),
        (
            "engine?",
            TEXT,
            "live, or batch (the provider's batch interface); null for a scripted agent and in older files (live)",
        ),
    ),
)

EVENT_TABLES = (EPISODES, SEATS, EDGES, CALLS, MESSAGES, PULLS)
