"""How the report names an agent, so that nobody takes a scripted one for a language model."""


def named(model: str, *, scripted: bool) -> str:
    """The name of a model as sentences and tables print it: a scripted agent is labelled as one."""
    return f"{model} (scripted)" if scripted else model
