"""What made a step fail, kept as it was raised: Dagster's own record of it holds words alone."""

import dagster as dg


@dg.failure_hook(required_resource_keys={"home"})
def noted(context: dg.HookContext) -> None:
    """Keeps the exception for whoever started the run in this process: it carries its exit code and its one line."""
    if context.op_exception is not None:
        context.resources.home.failures[context.step_key] = context.op_exception
