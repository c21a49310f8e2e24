"""Running Dagster: instance, launcher, pool, history, schedules, alerts, runs, and the servers."""
