"""Dagster as it runs: instance, launcher, turns, history, schedules, alerts, runs, and what is served."""
