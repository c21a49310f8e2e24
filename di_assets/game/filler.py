"""Words that say nothing: what a placebo delivers in place of a message of the same length."""

from functools import lru_cache
from itertools import cycle, islice

# On the weather: nothing here asks, promises or names, and no word is a single letter, which could be a player's.
SENTENCES = (
    "The morning was mild and rather quiet.",
    "Some clouds moved slowly over the hills.",
    "It may rain.",
    "The leaves along the road are turning yellow.",
    "Later in the day the wind died down.",
    "The water in the lake was calm and clear.",
    "Most of the snow had gone by the spring.",
)
# Endings by length, with the space before them; the first few are for texts too short for a word.
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
    """Neutral sentences of exactly this many characters (0 and more); the same for the same length."""
    text, left = "", length + 1  # each sentence brings a space before it; the very first is taken off at the end
    for sentence in islice(cycle(SENTENCES), length % len(SENTENCES), None):
        if left < len(ENDINGS):
            break
        rest = left - len(sentence) - 1
        if rest == 0 or rest >= SHORTEST_WORD:
            text, left = f"{text} {sentence}", rest
    return (text + ENDINGS[left])[1:]
