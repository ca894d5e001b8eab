"""The aws CLI against the sandbox's S3 and KeyValueStore, unchanged, endpoints by its own variables."""

from __future__ import annotations

import json
import os
import sys
import time

import pytest

from sandbox.platforms import aws
from tests.publisher.conftest import make_site  # noqa: F401 - a fixture
from tests.publisher.platforms.aws.conftest import account  # noqa: F401 - a fixture
from tests.real.command import run
from tests.real.installing import from_pypi
from tests.worlds import running

VERSION = "1.46.3"


@pytest.fixture(scope="module")
def client():
    return from_pypi("awscli", VERSION, "awscli/__main__.py")


@pytest.fixture
async def cli(client, tmp_path):
    """Runs the CLI in a sandbox that has one bucket and one key value store."""
    async with running(tmp_path / "world", [aws.twin]) as sandbox:
        bucket, _ = await sandbox.declare("aws:s3/bucket:Bucket")
        _, store = await sandbox.declare("aws:cloudfront/keyValueStore:KeyValueStore")

        async def command(*arguments, expect=0, **variables):
            environment = {**sandbox.environment, "PYTHONPATH": str(client), **variables}
            return await run([sys.executable, "-m", "awscli", *arguments], environment, tmp_path, expect=expect)

        command.bucket, command.arn = bucket, store["arn"]
        yield command


async def test_objects_are_written_once_listed_read_and_deleted(cli, tmp_path):
    (tmp_path / "page.html").write_text("<p>hello")
    put = ("s3api", "put-object", "--bucket", cli.bucket, "--key", "a/page.html", "--body", "page.html")
    checked = ("--content-type", "text/html", "--checksum-algorithm", "SHA256", "--if-none-match", "*")
    assert "ChecksumSHA256" in await cli(*put, *checked)
    assert "PreconditionFailed" in await cli(*put, *checked, expect=None)
    listed = json.loads(await cli("s3api", "list-objects-v2", "--bucket", cli.bucket, "--prefix", "a/"))
    assert [item["Key"] for item in listed["Contents"]] == ["a/page.html"]
    await cli("s3", "cp", f"s3://{cli.bucket}/a/page.html", "copy.html")
    assert (tmp_path / "copy.html").read_text() == "<p>hello"
    await cli("s3api", "delete-object", "--bucket", cli.bucket, "--key", "a/page.html")
    assert "404" in await cli("s3api", "head-object", "--bucket", cli.bucket, "--key", "a/page.html", expect=None)


async def test_a_folder_is_synced_with_a_large_file_in_parts(cli, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for number in range(25):
        (site / f"page {number}.html").write_text(f"<p>{number}")
    (site / "large.bin").write_bytes(bytes(range(256)) * 80_000)
    for path in site.iterdir():
        os.utime(path, (time.time() - 60,) * 2)  # listings have whole seconds, and a file of this second would be newer
    await cli("s3", "sync", "site", f"s3://{cli.bucket}/site", "--only-show-errors")
    assert await cli("s3", "sync", "site", f"s3://{cli.bucket}/site") == ""
    await cli("s3", "sync", f"s3://{cli.bucket}/site", "back", "--only-show-errors")
    assert {path.name: path.read_bytes() for path in (tmp_path / "back").iterdir()} == {
        path.name: path.read_bytes() for path in site.iterdir()
    }
    await cli("s3", "rm", f"s3://{cli.bucket}/site", "--recursive", "--only-show-errors")
    assert await cli("s3", "ls", f"s3://{cli.bucket}", "--recursive", expect=None) == ""


async def test_a_wrong_secret_is_refused(cli):
    output = await cli("s3", "ls", f"s3://{cli.bucket}", expect=None, AWS_SECRET_ACCESS_KEY="wrong")
    assert "SignatureDoesNotMatch" in output


async def test_keys_are_written_against_the_current_version_only(cli, client, tmp_path):
    store = ("cloudfront-keyvaluestore",)
    described = json.loads(await cli(*store, "describe-key-value-store", "--kvs-arn", cli.arn))
    put = (*store, "put-key", "--kvs-arn", cli.arn, "--key", "/a b", "--value", "1:x")
    written = json.loads(await cli(*put, "--if-match", described["ETag"]))
    assert written["ItemCount"] == 1
    assert "ConflictException" in await cli(*put, "--if-match", described["ETag"], expect=None)
    read = json.loads(await cli(*store, "get-key", "--kvs-arn", cli.arn, "--key", "/a b"))
    assert read["Value"] == "1:x"
    missing = await cli(*store, "get-key", "--kvs-arn", cli.arn, "--key", "/none", expect=None)
    assert "ResourceNotFoundException" in missing


async def test_what_we_publish_the_client_lists_and_restores(account, client, make_site, tmp_path):  # noqa: F811
    async def command(*arguments):
        environment = {**account.sandbox.environment, "PYTHONPATH": str(client)}
        return json.loads(await run([sys.executable, "-m", "awscli", *arguments], environment, tmp_path))

    first, second = make_site({"index.html": "<p>one"}), make_site({"index.html": "<p>two"})
    for site in (first, second):
        await account.release(site)
    keys = await command("s3api", "list-objects-v2", "--bucket", account.target["bucket"], "--prefix", "objects/")
    assert {entry["Size"] for entry in keys["Contents"]} >= {6}
    store = ("--kvs-arn", account.target["key_value_store_arn"])
    releases = await command("cloudfront-keyvaluestore", "get-key", *store, "--key", "releases")
    known = {line.split(" ")[1]: line for line in releases["Value"].splitlines()}
    assert list(known) == [second.release_id, first.release_id]
    version = (await command("cloudfront-keyvaluestore", "describe-key-value-store", *store))["ETag"]
    value = ("--key", "live", "--value", known[first.release_id], "--if-match", version)
    await command("cloudfront-keyvaluestore", "put-key", *store, *value)
    await account.verify(first)
    assert await account.platform().live() == first.release_id
