"""The tables that are measured batch by batch."""

from di_assets.tables.contract import BOOL, EPISODE, EVENT, FLOAT, INT, TEXT, Table, columns

MESSAGE_LABELS = Table(
    "message_labels",
    "message x labeller",
    ("episode_id", "event_id", "labeller"),
    columns(
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
    columns(
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
PROMISE_SHARES = Table(
    "promise_shares",
    "episode x labeller x promising model",
    ("episode_id", "labeller", "model"),
    columns(
        EPISODE,
        ("labeller", TEXT, "who says that the messages promise a pull"),
        ("model", TEXT, "what plays the senders"),
        ("messages", INT, "promising messages"),
        ("made", INT, "promises; of these and all that follows, repeats are left out"),
        ("kept", INT, "kept promises"),
        ("broken", INT, "broken promises"),
        ("open", INT, "promises that are neither"),
        ("owed", INT, "promises whose recipient had pulled first"),
        ("owed_kept", INT, "those of them that were kept"),
        ("points_kept", INT, "points that kept promises brought"),
        ("points_broken", INT, "points that broken promises brought"),
        ("n", INT, "decided promises: kept or broken, their window within the game"),
        ("kept_share?", FLOAT, "share of the decided promises that were kept"),
        ("chance_share?", FLOAT, "mean `chance` of the decided promises"),
        ("owed_kept_share?", FLOAT, "share kept of the decided promises whose recipient had pulled first"),
        ("points_a_kept?", FLOAT, "mean points of the decided kept promises"),
        ("points_a_broken?", FLOAT, "mean points of the decided broken promises"),
        ("first_event?", INT, "event_id of the first decided promise that was broken; else of the first that was kept"),
        ("best_kept?", INT, "most points of a decided kept promise"),
        ("best_kept_event?", INT, "event_id of the first of those with most points"),
        ("best_broken?", INT, "most points of a decided broken promise"),
        ("best_broken_event?", INT, "event_id of the first of those with most points"),
    ),
)
PULL_KINDS = Table(
    "pull_kinds",
    "valid pull",
    ("episode_id", "event_id"),
    columns(EPISODE, EVENT, ("kind", TEXT, "payback, solicited or unprompted")),
)
CHOICES = Table(
    "choices",
    "episode x puller's model x pattern",
    ("episode_id", "model", "n_neighbours", "n_owed", "owed", "owed_before", "asked", "focal"),
    columns(
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
    columns(
        EPISODE,
        ("seat", INT, "i"),
        ("other", INT, "j"),
        ("adjacent", BOOL, "an edge joins them"),
        ("residual_in", FLOAT, "r(j->i): pulls per round from j to i above the tit-for-tat forecast"),
        ("residual_out", FLOAT, "r(i->j): pulls per round from i to j above the tit-for-tat forecast"),
        ("net_capture", FLOAT, "(residual_in - residual_out) / 2; antisymmetric; 0 where no edge joins them"),
    ),
)
PULLS_BETWEEN = Table(
    "pulls_between",
    "episode x giving model x receiving model",
    ("episode_id", "giver", "receiver"),
    columns(
        EPISODE,
        ("giver", TEXT, "what plays the pulling seats"),
        ("receiver", TEXT, "what plays the pulled seats"),
        ("n_pairs", INT, "pairs of a giver's and a receiver's seat that an edge joins"),
        ("pulls", INT, "valid pulls of the giver's seats for the receiver's"),
        ("first_pull?", INT, "event_id of the first of these pulls"),
    ),
)
LINKED_EVENTS = Table(
    "linked_events",
    "episode",
    ("episode_id",),
    columns(
        EPISODE,
        ("focal_message?", INT, "event_id of the focal seat's first message"),
        ("focal_pull?", INT, "of the first valid pull for the focal seat"),
        ("crowd_pull?", INT, "of the first valid pull of the round and target with most of them"),
        ("leader_pull?", INT, "of the first valid pull for the seat with most points"),
        ("payback_pull?", INT, "of the first pull that is pay-back"),
        ("solicited_pull?", INT, "of the first pull that was asked for and repays nothing"),
        (
            "asking_message?",
            INT,
            "of the first message that asks for a pull, by the lexical rule; by the focal seat if there is one",
        ),
    ),
)
SEAT_MEASURES = Table(
    "seat_measures",
    "episode x seat",
    ("episode_id", "seat"),
    columns(
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
    columns(
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
SHUFFLES = Table(
    "shuffles",
    "episode x order of its rounds",
    ("episode_id", "shuffle"),
    columns(
        EPISODE,
        ("shuffle", INT, "0: the exact mean over all orders; from 1: one random order of each puller's rounds"),
        ("cascades", FLOAT, "onsets of majority convergence, with the rounds in this order"),
        ("payback_rate?", FLOAT, "share of valid pulls; null without any"),
        ("focal_floor_points?", FLOAT, "reciprocity floor of the focal seat; null in a mixed arm"),
    ),
)
