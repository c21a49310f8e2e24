"""Whether a scheduler or a worker of Dask answers: for the health checks of containers, encrypted where Dask is.

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
        OSError: nothing does.
        TimeoutError: it takes too long.
    """
    arguments = Security().get_connection_args("worker")
    async with rpc(address, connection_args=arguments, timeout=WITHIN_S) as there:
        answer = await asyncio.wait_for(there.identity(), WITHIN_S)
    return str(answer["type"])


def main() -> None:
    """Prints it; exit code 1 where nothing answers."""
    try:
        print(asyncio.run(kind_at(sys.argv[1])))
    except (OSError, TimeoutError, TypeError, RuntimeError) as error:
        sys.exit(f"{sys.argv[1]} does not answer: {type(error).__name__}")


if __name__ == "__main__":
    main()
