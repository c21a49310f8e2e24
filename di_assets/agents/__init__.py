"""Agents turn an observation into a reply: scripted policies, and language models with prompts and reply readers."""
