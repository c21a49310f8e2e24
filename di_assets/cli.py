"""`di`: a verb per user task. Everything heavy is imported by the verb that needs it, so that help is instant.

Exit codes: 0 done, 1 the work failed, 2 bad usage or bad input, 130 interrupted by a person.
"""

from di_assets.commands import billing, labelling, planning, playing, reading, repairing, serving
from di_assets.commands.base import main

__all__ = ["billing", "labelling", "main", "planning", "playing", "reading", "repairing", "serving"]

if __name__ == "__main__":
    main()
