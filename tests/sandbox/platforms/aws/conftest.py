from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.platforms.aws.cloud import Cloud, ServerThread


@pytest.fixture(autouse=True)
def no_own_credentials(monkeypatch, tmp_path_factory):
    """Tests must not read the user's AWS configuration, proxies or endpoints."""
    empty = tmp_path_factory.getbasetemp() / "no-aws-configuration"
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(empty))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def server() -> Iterator[ServerThread]:
    thread = ServerThread()
    yield thread
    thread.stop()


@pytest.fixture(scope="module")
def cloud(server, tmp_path_factory) -> Cloud:
    return Cloud(tmp_path_factory.mktemp("cloud"), server)


@pytest.fixture
def bucket(cloud) -> str:
    return cloud.bucket()
