"""Neutral text. A placebo delivers it in place of a message of the same length."""

from functools import lru_cache
from itertools import cycle, islice

# Sentences about the weather. They ask for nothing, promise nothing and name nobody. No word is a single letter,
# because a single letter could be a player's name.
SENTENCES = (
    "The morning was mild and rather quiet.",
    "Some clouds moved slowly over the hills.",
    "It may rain.",
    "The leaves along the road are turning yellow.",
    "Later in the day the wind died down.",
    "The water in the lake was calm and clear.",
    "Most of the snow had gone by the spring.",
)
# Endings by length; each begins with a space. The first few are for texts that are too short for a word.
ENDINGS = (
    "",
    " ",
    " .",
    " Mm",
    " Mm.",
    " Fog.",
    " Haze.",
    " Mists.",
    " Breeze.",
    " Drizzle.",
    " Sunshine.",
    " Dry sands.",
    " Calm skies.",
    " Warm nights.",
    " Early frosts.",
    " Sunny autumns.",
    " Thin icy rains.",
    " Pale winter sun.",
)
SHORTEST_WORD = len(" Fog.")


@lru_cache(maxsize=4_096)
def filler(length: int) -> str:
    """Returns neutral sentences of exactly `length` characters (0 or more).

    The same length always gives the same text.
    """
    text, left = "", length + 1  # each sentence begins with a space; the first space is removed at the end
    for sentence in islice(cycle(SENTENCES), length % len(SENTENCES), None):
        if left < len(ENDINGS):
            break
        rest = left - len(sentence) - 1
        if rest == 0 or rest >= SHORTEST_WORD:
            text, left = f"{text} {sentence}", rest
    return (text + ENDINGS[left])[1:]
