"""How a command ends without success: one line on stderr, and an exit code for scripts."""

import click

# Key of the context that says whether the traceback of a failure is shown.
VERBOSE = "di.verbose"


class Ended(click.ClickException):
    """A command ended early. The message is one line: what is wrong, where, and what would be right."""


class BadInput(Ended):
    """The request is impossible."""

    exit_code = 2


class WorkFailed(Ended):
    """The work was tried and failed; results from before the failure are kept."""

    exit_code = 1


class Interrupted(Ended):
    """A person interrupted the command."""

    exit_code = 130


def ending(line: str, exit_code: int) -> Ended:
    """The exception that ends a command with this line and exit code; with code 1 if no class has that code."""
    return next((kind for kind in (BadInput, Interrupted) if kind.exit_code == exit_code), WorkFailed)(line)
