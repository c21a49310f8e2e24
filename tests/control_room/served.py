"""The control room of a warehouse, started as people start it and asked over GraphQL what its pages ask."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import httpx

from tests.conftest import ROOT

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "di_assets.assets.definitions"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
BACKFILLS_ENDED = {"COMPLETED_SUCCESS", "COMPLETED_FAILED", "COMPLETED", "FAILED", "CANCELED"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ControlRoom:
    """A running `di ui`."""

    def __init__(self, process, port, dagster_port):
        self.process, self.port, self.dagster_port = process, port, dagster_port

    def ask(self, query, **variables):
        """The data that answers a GraphQL query."""
        url = f"http://127.0.0.1:{self.dagster_port}/graphql"
        reply = httpx.post(url, json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in reply, reply["errors"]
        return reply["data"]

    def pages_answer(self):
        return httpx.get(f"http://127.0.0.1:{self.port}/", timeout=5).status_code == 200

    def loaded(self):
        query = "{ repositoriesOrError { __typename ... on RepositoryConnection { nodes { name } } } }"
        return bool(self.ask(query)["repositoriesOrError"].get("nodes"))

    def backfill(self, assets, partitions, **tags):
        """Materialises these partitions as the button on the graph does; the backfill's id."""
        query = """mutation Start($params: LaunchBackfillParams!) {
          launchPartitionBackfill(backfillParams: $params) { __typename
            ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
        params = {
            "assetSelection": [{"path": [name]} for name in assets],
            "partitionNames": list(partitions),
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        return self.ask(query, params=params)["launchPartitionBackfill"]["backfillId"]

    def status_of_backfill(self, backfill):
        query = """query Status($id: String!) { partitionBackfillOrError(backfillId: $id) {
          ... on PartitionBackfill { status error { message } } } }"""
        return self.ask(query, id=backfill)["partitionBackfillOrError"]["status"]

    def launch(self, assets):
        """Materialises assets without partitions; the run's id."""
        query = """mutation Start($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) {
          __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
        selector = {
            **REPOSITORY,
            "pipelineName": "__ASSET_JOB",
            "assetSelection": [{"path": [name]} for name in assets],
        }
        params = {"selector": selector, "runConfigData": {}, "mode": "default"}
        return self.ask(query, params=params)["launchPipelineExecution"]["run"]["runId"]

    def runs(self):
        """Run id -> (status, tags)."""
        query = "{ runsOrError { ... on Runs { results { runId status tags { key value } } } } }"
        found = self.ask(query)["runsOrError"]["results"]
        return {run["runId"]: (run["status"], {t["key"]: t["value"] for t in run["tags"]}) for run in found}

    def assets(self):
        """Name -> what the graph shows of each asset."""
        query = """{ assetNodes { assetKey { path } groupName owners { ... on TeamAssetOwner { team } } kinds
          description isStale: staleStatus
          partitionStats { numPartitions numMaterialized numFailed }
          latestMaterializationByPartition: assetMaterializations(limit: 1) { partition }
          assetChecksOrError { ... on AssetChecks { checks { name blocking
            executionForLatestMaterialization { status evaluation { description } } } } } } }"""
        return {node["assetKey"]["path"][0]: node for node in self.ask(query)["assetNodes"]}


@contextmanager
def control_room(warehouse, configs, **environment):
    """Starts `di ui` on free ports, waits until both pages answer, and tells it to end afterwards."""
    port, dagster_port = free_port(), free_port()
    command = [sys.executable, "-m", "di_assets.cli", "--warehouse", str(warehouse), "--configs", str(configs)]
    command += ["ui", "--port", str(port), "--dagster-port", str(dagster_port)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, start_new_session=True)
    room = ControlRoom(process, port, dagster_port)
    try:
        wait_for(lambda: room.loaded() and room.pages_answer(), 180)
        yield room
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=90)
        finally:
            process.kill()


def wait_for(ready, seconds):
    """Waits until it is so; whatever it raises meanwhile is no reason to stop waiting."""
    deadline, problem = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        try:
            if found := ready():
                return found
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            problem = error
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {problem!r}")
