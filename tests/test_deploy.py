"""What a team deploys: rendered and held against the schemas of those who will read it, and against this program."""

import re
import shlex
import shutil
import subprocess
import sys
from itertools import chain

import pytest
import yaml
from click.testing import CliRunner

from di_assets.cli import main
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
# Read by libraries, not by this program.
OF_OTHERS = {"AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "DAGSTER_HOME"}  # fmt: skip
KUBERNETES = "1.32"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


@pytest.fixture(scope="module")
def manifests():
    """Everything that `kubectl apply -k` would send."""
    if shutil.which("kubectl") is None:
        pytest.skip("no kubectl here to render with")
    rendered = subprocess.run(["kubectl", "kustomize", str(DEPLOY / "kubernetes")], capture_output=True, text=True, check=True)  # fmt: skip
    return list(yaml.safe_load_all(rendered.stdout))


def containers(manifests):
    """(name, kind, pod, container) of everything that runs."""
    for one in manifests:
        if one["kind"] in {"Deployment", "StatefulSet"}:
            pod = one["spec"]["template"]["spec"]
            for container in pod["containers"]:
                yield one["metadata"]["name"], one["kind"], pod, container


def commands(compose, manifests):
    """What is started in containers of ours, as lists of words, `di` and environment taken off."""
    ours = [s["command"] for s in compose["services"].values() if s["image"] == "delegated-influence"]
    ours += [c["command"] for *_, c in containers(manifests) if c["image"].startswith("delegated-influence")]
    for command in ours:
        if command[:2] == ["sh", "-c"]:
            assert re.match(r'DAGSTER_HOME="\$\$?\(di home\)" exec ', command[2]), command
            yield shlex.split(command[2].split(" exec ", 1)[1])
        else:
            yield command


def test_the_compose_file_keeps_its_schema():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(DEPLOY / "compose.yaml")]  # fmt: skip
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_manifests_keep_the_schemas_of_kubernetes(manifests):
    import kubernetes_validate

    assert {one["kind"] for one in manifests} >= {"Namespace", "ConfigMap", "Deployment", "Service", "StatefulSet", "NetworkPolicy", "PersistentVolumeClaim"}  # fmt: skip
    for one in manifests:
        kubernetes_validate.validate(one, KUBERNETES, strict=True)


def test_every_name_in_the_manifests_leads_somewhere(manifests):
    named = {(one["kind"], one["metadata"]["name"]) for one in manifests}
    apps = {one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] for one in manifests if "template" in one.get("spec", {})}  # fmt: skip
    for one in manifests:
        if one["kind"] == "Service":
            assert one["spec"]["selector"]["app.kubernetes.io/name"] in apps
    for name, _, pod, container in containers(manifests):
        for source in container.get("envFrom", []):
            if "configMapRef" in source:
                assert ("ConfigMap", source["configMapRef"]["name"]) in named, name
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | {"data"}
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
        for volume in pod.get("volumes", []):
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in named


def test_nothing_runs_as_root_or_may_become_it_and_only_loopback_is_published(compose, manifests):
    for _, _, pod, container in containers(manifests):
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
    assert not [one for one in manifests if one["kind"] == "Ingress" or one.get("spec", {}).get("type") in {"NodePort", "LoadBalancer"}]  # fmt: skip
    ports = list(chain.from_iterable(service.get("ports", []) for service in compose["services"].values()))
    assert len(ports) == 2
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "\nUSER influence\n" in (DEPLOY / "Dockerfile").read_text()


def test_keys_of_providers_are_seen_by_those_alone_who_call_them_and_stand_in_no_file(compose, manifests):
    for name, service in compose["services"].items():
        assert ("ANTHROPIC_API_KEY" in service.get("environment", {})) == (name in {"code", "worker"}), name
    for name, _, _, container in containers(manifests):
        secrets = {source["secretRef"]["name"] for source in container.get("envFrom", []) if "secretRef" in source}
        assert ("delegated-influence-keys" in secrets) == (name in {"code", "worker"}), name
    assert not [one for one in manifests if one["kind"] == "Secret"]
    given = dict(line.split("=", 1) for line in (DEPLOY / ".env.example").read_text().splitlines() if "=" in line)
    assert not [name for name, value in given.items() if value and any(word in name for word in ("KEY", "PASSWORD", "URL")) and name != "AWS_ENDPOINT_URL"]  # fmt: skip
    assert "deploy/.env" in subprocess.run(["git", "check-ignore", "deploy/.env"], cwd=ROOT, capture_output=True, text=True, check=False).stdout  # fmt: skip


def test_names_in_the_environment_are_those_that_are_read(compose, manifests):
    set_somewhere = set(chain.from_iterable(service.get("environment", {}) for service in compose["services"].values()))
    set_somewhere |= set(next(one["data"] for one in manifests if one["kind"] == "ConfigMap" and "DI_ENGINE" in one["data"]))  # fmt: skip
    set_somewhere |= set(re.findall(r"\b(DI_[A-Z_]+)=", (DEPLOY / "Dockerfile").read_text()))
    source = "\n".join(path.read_text() for folder in ("di_assets", "dashboard") for path in (ROOT / folder).rglob("*.py"))  # fmt: skip
    ours = {name for name in set_somewhere if name.startswith("DI_")}
    assert {"DI_WAREHOUSE", "DI_POSTGRES_URL", "DI_ENGINE", "DI_DASK_SCHEDULER", "DI_LOCAL", "DI_CONFIGS"} <= ours
    assert not [name for name in ours if f'"{name}"' not in source]
    others = {name for name in set_somewhere if not name.startswith(("DI_", "POSTGRES_", "MINIO_", "PG"))}
    assert others <= OF_OTHERS | {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}


@pytest.mark.slow
def test_every_command_is_one_that_is_there(compose, manifests):
    known = {tuple(command[:3] if command[0] == "dagster" else command[:2]) for command in commands(compose, manifests)}
    assert len(known) >= 5
    bin_folder = ROOT / ".venv" / "bin" if (ROOT / ".venv" / "bin").exists() else None
    for words in sorted(known):
        verbs = [word for word in words if not word.startswith(("-", "tcp:", "/"))]
        program = shutil.which(verbs[0], path=str(bin_folder) if bin_folder else None) or shutil.which(verbs[0])
        told = subprocess.run([program, *verbs[1:], "--help"], capture_output=True, text=True, check=False)
        assert told.returncode == 0, (verbs, told.stderr)


def test_options_of_commands_are_taken(compose, manifests):
    assert CliRunner().invoke(main, ["home", "--help"]).exit_code == 0
    for name, service in compose["services"].items():
        if service["image"] == "delegated-influence":
            [there] = [c["command"] for n, *_, c in containers(manifests) if n == name]
            assert [word.replace("$$", "$") for word in service["command"]] == there, name


def test_the_image_copies_what_is_there_and_holds_no_key():
    text = (DEPLOY / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?:--\S+ )*(.*)$", text, flags=re.MULTILINE):
        for source in line.split()[:-1]:
            assert list(ROOT.glob(source)) or source.endswith("*"), source
    assert not re.search(r"(KEY|PASSWORD|SECRET|TOKEN)", text)
    assert (DEPLOY / "workspace.yaml").read_text() == (DEPLOY / "kubernetes" / "workspace.yaml").read_text()
    assert [one["grpc_server"]["port"] for one in yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]] == [4000]  # fmt: skip
    assert not re.search(r"image: \S+\.\S+/", "".join(path.read_text() for path in DEPLOY.rglob("*.yaml")))
