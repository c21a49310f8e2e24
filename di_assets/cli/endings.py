"""How a verb ends when it does not succeed: one line on stderr, and the exit code that scripts go by."""

import click

# Where the context holds whether the traceback of a failure is shown.
VERBOSE = "di.verbose"


class Ended(click.ClickException):
    """A verb ended early; the message is its one line: what is wrong, where, and what would be right."""


class BadInput(Ended):
    """What was asked for is impossible."""

    exit_code = 2


class WorkFailed(Ended):
    """What was asked for was tried and failed; what was done before is kept."""

    exit_code = 1


class Interrupted(Ended):
    """A person ended it."""

    exit_code = 130


def ending(line: str, exit_code: int) -> Ended:
    """The exception that ends a verb with this line and this exit code; with 1 where no kind has that code."""
    return next((kind for kind in (BadInput, Interrupted) if kind.exit_code == exit_code), WorkFailed)(line)
