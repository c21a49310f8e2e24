"""From measures to claims, sentences, summary.json and figures; and what the pages read."""
