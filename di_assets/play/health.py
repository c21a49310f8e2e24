"""Checks whether a Dask scheduler or worker answers. Health checks of containers call it; it uses Dask's encryption.

python -m di_assets.play.health tls://127.0.0.1:8786
"""

import asyncio
import sys

from distributed import rpc
from distributed.security import Security

WITHIN_S = 10.0


async def kind_at(address: str) -> str:
    """What answers at this address: `Scheduler` or `Worker`.

    Raises:
        OSError: nothing answers.
        TimeoutError: there is no answer within `WITHIN_S` seconds.
    """
    arguments = Security().get_connection_args("worker")
    async with rpc(address, connection_args=arguments, timeout=WITHIN_S) as there:
        answer = await asyncio.wait_for(there.identity(), WITHIN_S)
    return str(answer["type"])


def main() -> None:
    """Prints what answers at the address in the first argument; exit code 1 if nothing answers."""
    try:
        print(asyncio.run(kind_at(sys.argv[1])))
    except (OSError, TimeoutError, TypeError, RuntimeError) as error:
        sys.exit(f"{sys.argv[1]} does not answer: {type(error).__name__}")


if __name__ == "__main__":
    main()
