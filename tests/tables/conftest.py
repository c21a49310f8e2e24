"""Object storage on loopback, and a warehouse in it."""

import os

import pytest

from di_assets.tables import bucket, open_warehouse
from tests.tables.faulty import faulty

BUCKET = "di-tests"
SECRET = "wJalrXUtnFEMI-not-a-key"


@pytest.fixture(scope="session")
def s3():
    """A server on loopback that speaks S3, and the environment that leads to it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://{}:{}".format(*server.get_host_and_port())
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ENDPOINT_URL": url,
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "NO_PROXY": "127.0.0.1",
        }.items():
            patch.setenv(name, value)
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket=BUCKET)
        yield {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    server.stop()


@pytest.fixture
def environment(s3, monkeypatch, tmp_path):
    for name, value in s3.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DI_LOCAL", str(tmp_path / "local"))


@pytest.fixture
def warehouse(environment, request):
    return open_warehouse(f"s3://{BUCKET}/{request.node.name.partition('[')[0]}")


@pytest.fixture(scope="session")
def proxies(s3):
    with faulty(s3["AWS_ENDPOINT_URL"]) as proxy:
        yield proxy


@pytest.fixture
def proxy(environment, proxies, monkeypatch):
    """What stands between the warehouse and its storage: it fails what it is told to fail. Parts are small."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxies.url)
    monkeypatch.setattr("moto.s3.models.S3_UPLOAD_PART_MIN_SIZE", 1)
    monkeypatch.setattr("di_assets.tables.bucket.PART", 4000)
    monkeypatch.setattr("di_assets.tables.bucket.FIRST_WAIT_S", 0.001)
    for asked_once in (bucket._check, bucket._probe):
        asked_once.cache_clear()
    proxies.calm()
    proxies.seen.clear()
    yield proxies
    proxies.calm()
