"""What a team deploys: rendered and held against the schemas of those who will read it, and against this program."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from di_assets.cli.verbs import main
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
    ours = [s["command"] for s in compose["services"].values() if s["image"].startswith("delegated-influence")]
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
    others = {name for name in set_somewhere if not name.startswith(("DI_", "POSTGRES_", "MINIO_", "PG", "DASK_"))}
    assert others <= OF_OTHERS | {"ANTHROPIC_API_KEY", "OPENAI_API_KEY"}


@pytest.mark.slow
def test_every_command_is_one_that_is_there(compose, manifests):
    known = {tuple(command[:3] if command[0] == "dagster" else command[:2]) for command in commands(compose, manifests)}
    assert len(known) >= 5
    for words in sorted(known):
        verbs = [word for word in words if not word.startswith(("-", "tls:", "/"))]
        program = shutil.which(verbs[0], path=str(Path(sys.executable).parent))
        told = subprocess.run([program, *verbs[1:], "--help"], capture_output=True, text=True, check=False)
        assert told.returncode == 0, (verbs, told.stderr)


def test_options_of_commands_are_taken(compose, manifests):
    assert CliRunner().invoke(main, ["home", "--help"]).exit_code == 0
    for name, service in compose["services"].items():
        if service["image"].startswith("delegated-influence"):
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


IMAGE = re.compile(r"(?P<name>[a-z0-9./-]+):(?P<tag>[A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?")


def test_images_are_named_by_exact_tags_and_ours_by_its_version(compose, manifests):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    images = [service["image"] for service in compose["services"].values()]
    images += [container["image"] for *_, container in containers(manifests)]
    images += re.findall(r"^FROM (\S+)$", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
    for image in images:
        tag = IMAGE.fullmatch(image)["tag"]
        assert tag != "latest"
        assert (
            tag == version if image.startswith("delegated-influence") else re.search(r"\d+\.\d+|\d{4}-\d\d-\d\d", tag)
        ), image
    assert len({image for image in images if image.startswith("delegated-influence")}) == 1
    assert f"-t delegated-influence:{version} " in (DEPLOY / "Dockerfile").read_text()


def test_everything_that_runs_is_asked_how_it_is(compose, manifests):
    assert {name for name, service in compose["services"].items() if "healthcheck" not in service} == {"minio"}
    for name, _, _, container in containers(manifests):
        assert ("livenessProbe" in container) or name == "postgres", name
        assert ("readinessProbe" in container) or name == "daemon", name
    # The web server answers a name of its own alone, and Kubernetes asks by address.
    [web] = [container for name, *_, container in containers(manifests) if name == "webserver"]
    assert web["readinessProbe"]["httpGet"]["httpHeaders"] == [{"name": "Host", "value": "localhost"}]


def test_dask_is_encrypted_everywhere_by_files_of_a_secret(compose, manifests):
    [settings] = [
        one["data"]
        for one in manifests
        if one["kind"] == "ConfigMap" and "DASK_DISTRIBUTED__COMM__TLS__CA_FILE" in one["data"]
    ]
    for name in ("code", "scheduler", "worker"):
        given = compose["services"][name]["environment"]
        assert {key: value for key, value in given.items() if key.startswith("DASK_")} == settings
        assert "./tls:/tls:ro" in compose["services"][name]["volumes"]
        [(pod, container)] = [(pod, container) for n, _, pod, container in containers(manifests) if n == name]
        assert [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume] == [
            "delegated-influence-tls"
        ]
        assert {"name": "tls", "mountPath": "/tls", "readOnly": True} in container["volumeMounts"]
        assert any(source.get("configMapRef", {}).get("name", "").startswith("tls") for source in container["envFrom"])
    assert set(settings.values()) == {"True", "/tls/ca.pem", "/tls/cert.pem", "/tls/key.pem"}
    # Dask itself reads them so.
    code = "from distributed.security import Security as S; s = S(); print(s.require_encryption, s.tls_ca_file, s.tls_client_key, s.tls_scheduler_cert, s.tls_worker_key)"
    read = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **settings}, capture_output=True, text=True, check=True
    )
    assert read.stdout.split() == ["True", "/tls/ca.pem", "/tls/key.pem", "/tls/cert.pem", "/tls/key.pem"]
    everything = "".join(path.read_text() for path in [*DEPLOY.rglob("*.yaml"), DEPLOY / ".env.example"])
    assert "tcp://" not in everything
    assert (
        "deploy/tls"
        in subprocess.run(
            ["git", "check-ignore", "deploy/tls/key.pem"], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout
    )


def reaches(manifests):
    """(from, to, port) of everything that a policy of both sides lets through, among the pods; ports that the system chooses as one."""
    apps = {
        one["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"]
        for one in manifests
        if "template" in one.get("spec", {})
    }

    def chosen(selector):
        named = set(selector.get("matchLabels", {}).values())
        for expression in selector.get("matchExpressions", []):
            named |= set(expression["values"])
        return named & apps if selector else apps

    def named(side, peer):
        found = set()
        for policy in (one["spec"] for one in manifests if one["kind"] == "NetworkPolicy"):
            for rule in policy.get(side, []):
                for other in rule[peer]:
                    if "podSelector" in other and "namespaceSelector" not in other:
                        for port in rule["ports"]:
                            for one in chosen(policy["podSelector"]):
                                for there in chosen(other["podSelector"]):
                                    found.add(
                                        (one, there, port["port"]) if side == "egress" else (there, one, port["port"])
                                    )
        return found

    return named("egress", "to") & named("ingress", "from"), named("egress", "to") ^ named("ingress", "from")


def test_pods_reach_those_that_they_need_and_no_other(manifests):
    both, one_sided = reaches(manifests)
    assert one_sided == set()
    of_its_own = 32768
    assert both == {
        ("code", "postgres", 5432), ("webserver", "postgres", 5432), ("daemon", "postgres", 5432),
        ("webserver", "code", 4000), ("daemon", "code", 4000),
        ("code", "scheduler", 8786), ("worker", "scheduler", 8786),
        ("scheduler", "worker", 9000), ("scheduler", "worker", 9001), ("worker", "worker", 9000), ("worker", "worker", 9001),
        ("worker", "code", of_its_own),
    }  # fmt: skip
    [all_pods] = [
        one["spec"] for one in manifests if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "nothing"
    ]
    assert all_pods == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_services_of_the_compose_file_share_a_network_with_those_they_need_alone(compose):
    networks = {name: set(service.get("networks", [])) for name, service in compose["services"].items()}
    of = lambda network: {name for name, held in networks.items() if network in held}  # noqa: E731
    assert of("history") == {"postgres", "code", "webserver", "daemon"}
    assert of("graph") == {"code", "webserver", "daemon"}
    assert of("cluster") == {"code", "scheduler", "worker"}
    assert {name: given for name, given in compose["networks"].items() if given} == {
        name: {"internal": True} for name in ("history", "graph", "cluster")
    }
    assert all(networks.values())


@pytest.fixture
def pinning(tmp_path):
    """A copy of the folder, and its script beside a registry that tells what it is asked for."""
    shutil.copytree(DEPLOY, tmp_path / "deploy", ignore=shutil.ignore_patterns("tls"))
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()

    def pin(*words, answer='printf "sha256:%s" $(printf %s "$6" | sha256sum | cut -c1-64)'):
        docker.write_text(f"#!/bin/sh\n[ \"$1 $2 $3\" = 'buildx imagetools inspect' ] || exit 2\n{answer}\n")
        docker.chmod(0o755)
        environment = {**os.environ, "PATH": f"{docker.parent}:{os.environ['PATH']}"}
        return subprocess.run(
            [tmp_path / "deploy" / "pin.sh", *words], env=environment, capture_output=True, text=True, check=False
        )

    return tmp_path / "deploy", pin


def test_images_of_others_are_pinned_by_the_digest_that_a_registry_tells(pinning):
    folder, pin = pinning
    assert pin("--check").returncode == 1
    told = pin()
    assert told.returncode == 0, told.stderr
    pinned = told.stdout.split()
    assert {IMAGE.fullmatch(one)["name"] for one in pinned} == {"postgres", "minio/minio", "python"}
    text = "".join((folder / file).read_text() for file in ("compose.yaml", "Dockerfile", "kubernetes/postgres.yaml"))
    for image in pinned:
        assert text.count(image) == text.count(image.partition("@")[0]) >= 1
    assert not re.search(r"delegated-influence:[\d.]+@", text)
    assert yaml.safe_load((folder / "compose.yaml").read_text())["services"]["postgres"]["image"] in pinned
    assert pin("--check").returncode == 0
    assert pin().stdout.split() == pinned
    newer = 'printf "sha256:%064d" 7'
    assert pin("--check", answer=newer).returncode == 1
    assert pin(answer=newer).returncode == 0
    assert (folder / "compose.yaml").read_text().count("@sha256:" + "7".zfill(64)) == 2


@pytest.mark.parametrize("answer", ["exit 1", "echo nonsense", "true"])
def test_without_a_registry_nothing_is_written(pinning, answer):
    folder, pin = pinning
    before = {path: path.read_text() for path in folder.rglob("*") if path.is_file()}
    assert pin(answer=answer).returncode == 1
    assert {path: path.read_text() for path in folder.rglob("*") if path.is_file()} == before


def test_the_image_is_made_of_what_it_copies_and_of_nothing_else():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert "*" in lines
    copied = {
        source
        for line in re.findall(r"^COPY (?:--\S+ )*(.*)$", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE)
        for source in line.split()[:-1]
    }
    assert let_in == copied
