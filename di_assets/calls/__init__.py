"""A model asked once: sent within its limits, paid for, and kept."""
