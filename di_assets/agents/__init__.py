"""Observation -> reply: scripted policies and language models; prompts -> text, text -> reply."""
