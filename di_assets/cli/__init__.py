"""The command line `di`: a verb a file in `verbs/`, and what verbs share.

Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted by a person.
"""
