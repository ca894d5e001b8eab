"""azure-mgmt-web, azure-storage-blob and azure-identity against the sandbox's Azure, unchanged, over its proxy."""

from __future__ import annotations

import io
import json
import sys
import zipfile

import pytest

from publisher.journal import Journal
from publisher.progress import Silence
from publisher.releasing import find_kept, publish
from tests.publisher.conftest import make_site  # noqa: F401 - a fixture
from tests.publisher.platforms.azure.conftest import account  # noqa: F401 - a fixture
from tests.publisher.platforms.azure.test_azure import PAGES
from tests.real.command import run
from tests.real.installing import from_pypi
from website import load_site

VERSION = "11.0.1"
PROGRAM = """
import datetime, json, os, sys
from azure.core.exceptions import HttpResponseError
from azure.identity import ClientSecretCredential
from azure.mgmt.web import WebSiteManagementClient
from azure.storage.blob import BlobServiceClient, BlobSasPermissions, generate_blob_sas

given = json.loads(sys.argv[1])
credential = ClientSecretCredential(
    os.environ["ARM_TENANT_ID"], os.environ["ARM_CLIENT_ID"], os.environ["ARM_CLIENT_SECRET"]
)
group, name = given["site_id"].split("/")[4], given["site_id"].split("/")[-1]
sites = WebSiteManagementClient(credential, os.environ["ARM_SUBSCRIPTION_ID"]).static_sites
service = BlobServiceClient(given["blob_endpoint"], credential)
container = service.get_container_client(given["container"])


def link(blob):
    now = datetime.datetime.now(datetime.timezone.utc)
    start, end = now - datetime.timedelta(minutes=5), now + datetime.timedelta(hours=1)
    key = service.get_user_delegation_key(start, end)
    signed = generate_blob_sas(
        given["account"], given["container"], blob, user_delegation_key=key, start=start, expiry=end,
        permission=BlobSasPermissions(read=True),
    )
    return f"{container.url}/{blob}?{signed}"


def deploy(address):
    envelope = {"properties": {"appZipUrl": address, "deploymentTitle": "by the SDK", "provider": "sdk"}}
    sites.begin_create_zip_deployment_for_static_site(group, name, envelope, polling_interval=0.1).result()


def attempt(action):
    try:
        return action()
    except HttpResponseError as error:
        return f"{error.status_code} {error.error.code if error.error else ''}: {error.message}"


"""


@pytest.fixture(scope="module")
def client():
    return from_pypi("azure-mgmt-web", VERSION, "azure/mgmt/web/__init__.py")


@pytest.fixture
def sdk(account, client, tmp_path):  # noqa: F811 - the fixture
    async def program(text, expect=0, **variables):
        environment = {**account.sandbox.environment, "PYTHONPATH": str(client), **variables}
        arguments = [sys.executable, "-c", PROGRAM + text, json.dumps(account.target)]
        return await run(arguments, environment, tmp_path, expect=expect)

    program.account, program.folder = account, tmp_path
    return program


def package(folder, **files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for path, text in files.items():
            opened.writestr(path.replace("_", "."), text)
    (folder / "package.zip").write_bytes(content.getvalue())


async def page(account, path="/"):  # noqa: F811
    async with account.http.get(account.target["url"] + path) as answer:
        return answer.status, await answer.text()


async def test_a_package_is_uploaded_deployed_and_served(sdk):
    package(sdk.folder, index_html="<p>by the SDK", a_css="p {}")
    shown = await sdk(
        "container.upload_blob('one.zip', open('package.zip', 'rb'), overwrite=False, metadata={'a': 'b'})\n"
        "deploy(link('one.zip'))\n"
        "build = sites.get_static_site_build(group, name, 'default')\n"
        "print(json.dumps([build.status, build.hostname, sites.get_static_site(group, name).provider,\n"
        "    len(sites.list_static_site_secrets(group, name).properties['apiKey']) > 60,\n"
        "    [found.name for found in sites.list()] == [name],\n"
        "    [(found.name, found.metadata) for found in container.list_blobs(include=['metadata'])]]))\n"
    )
    found = json.loads(shown.splitlines()[-1])
    hostname = sdk.account.target["url"].removeprefix("https://")
    assert found == ["Ready", hostname, "sdk", True, True, [["one.zip", {"a": "b"}]]]
    assert await page(sdk.account) == (200, "<p>by the SDK")


async def test_what_the_publisher_deployed_is_listed_and_deployed_again_by_the_sdk(sdk, tmp_path):
    first = load_site("examples/site", cache=tmp_path / "cache")
    await sdk.account.release(first)
    package(sdk.folder, index_html="<p>something else")
    await sdk("container.upload_blob('other.zip', open('package.zip', 'rb'))\ndeploy(link('other.zip'))\n")
    assert await sdk.account.platform().live() is None
    await sdk("deploy(link(next(container.list_blob_names(name_starts_with='releases/'))))\n")
    assert await sdk.account.platform().live() == first.release_id


async def test_the_publisher_comes_back_after_the_sdk_deployed_something_else(sdk, make_site):  # noqa: F811
    site = make_site(PAGES)
    await sdk.account.release(site)
    package(sdk.folder, index_html="<p>something else")
    await sdk("container.upload_blob('other.zip', open('package.zip', 'rb'))\ndeploy(link('other.zip'))\n")
    platform = sdk.account.platform()
    await publish(platform, site.release_id, await find_kept(platform, site.release_id), Silence(), Journal())
    assert await sdk.account.verify(site) > 15


async def test_the_sdk_shows_what_the_twin_refuses(sdk):
    package(sdk.folder, about_html="no front page")
    shown = await sdk(
        "container.upload_blob('one.zip', open('package.zip', 'rb'))\n"
        "print(attempt(lambda: deploy(link('one.zip'))))\n"
        "print(attempt(lambda: deploy(None)))\n"
        "print(attempt(lambda: sites.get_static_site(group, 'none')))\n"
        "print(attempt(lambda: container.upload_blob('one.zip', b'x', overwrite=False)))\n"
        "print(attempt(lambda: container.get_blob_client('none').get_blob_properties()))\n"
    )
    for words in (
        "Failed to find a default file",
        "400 BadRequest: (BadRequest) The parameter appZipUrl",
        "404 ResourceNotFound",
        "The specified blob already exists",
        "ErrorCode:BlobNotFound",
    ):
        assert words in shown


async def test_a_large_file_goes_and_comes_back_in_parts(sdk):
    shown = await sdk(
        "data = bytes(range(256)) * 40_000\n"
        "parts = service.get_blob_client(given['container'], 'large.bin')\n"
        "small = BlobServiceClient(given['blob_endpoint'], credential, max_single_put_size=1, max_block_size=2**20,\n"
        "    max_single_get_size=2**20, max_chunk_get_size=2**20).get_blob_client(given['container'], 'large.bin')\n"
        "small.upload_blob(data, max_concurrency=3)\n"
        "print(small.download_blob(max_concurrency=3).readall() == data, parts.get_blob_properties().size)\n"
    )
    assert "True 10240000" in shown


async def test_a_wrong_secret_is_refused(sdk):
    shown = await sdk("print(list(sites.list()))", expect=1, ARM_CLIENT_SECRET="wrong")
    assert "AADSTS7000215" in shown
