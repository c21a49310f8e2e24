"""How the report names an agent, so that nobody mistakes a scripted agent for a language model."""


def named(model: str, *, scripted: bool) -> str:
    """A model's name as sentences and tables print it; the name of a scripted agent is followed by a label."""
    return f"{model} (scripted)" if scripted else model
