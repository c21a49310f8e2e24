"""`di`: a verb per user task. Everything heavy is imported by the verb that needs it, so that help is instant.

Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted by a person.
"""
