"""What was answered for survives kill -9, and the official clients work against the whole sandbox process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import obstore
import pytest
from obstore.store import S3Store

from sandbox.platforms.aws.objects import ObjectStore, StoredObject, after_all_with

ROOT = Path(__file__).parents[4]


@contextmanager
def sandbox(state: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """The sandbox in a process of its own, and the environment that points clients at it."""
    description = state / "sandbox.json"
    description.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sandbox", "--state", str(state), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            if description.exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        yield process, json.loads(description.read_text())["environment"]
    finally:
        process.kill()
        process.wait()


def s3(environment: dict[str, str]) -> Any:
    return boto3.client(
        "s3", region_name="us-east-1", endpoint_url=environment["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )  # fmt: skip


def test_objects_and_begun_uploads_survive_kill_9(tmp_path):
    part = bytes(5 * 1024 * 1024)
    with sandbox(tmp_path) as (process, environment):
        client = s3(environment)
        client.create_bucket(Bucket="kept")
        for number in range(50):
            client.put_object(Bucket="kept", Key=f"k{number}", Body=str(number).encode(), CacheControl="max-age=1")
        upload = client.create_multipart_upload(Bucket="kept", Key="large")["UploadId"]
        place = {"Bucket": "kept", "Key": "large", "UploadId": upload}
        first = client.upload_part(**place, PartNumber=1, Body=part)["ETag"]
        process.kill()
    with sandbox(tmp_path) as (_, environment):
        client = s3(environment)
        found = [client.get_object(Bucket="kept", Key=f"k{number}") for number in range(50)]
        assert [answer["Body"].read() for answer in found] == [str(number).encode() for number in range(50)]
        assert {answer["CacheControl"] for answer in found} == {"max-age=1"}
        last = client.upload_part(**place, PartNumber=2, Body=b"end")["ETag"]
        parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": last}]
        client.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        assert client.get_object(Bucket="kept", Key="large")["Body"].read() == part + b"end"


def test_obstore_writes_lists_reads_and_deletes(tmp_path):
    with sandbox(tmp_path) as (_, environment):
        s3(environment).create_bucket(Bucket="rust")
        store = S3Store(
            "rust",
            config={"region": "us-east-1", "checksum_algorithm": "SHA256",
                    "access_key_id": environment["AWS_ACCESS_KEY_ID"],
                    "secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
                    "endpoint": environment["AWS_ENDPOINT_URL_S3"]},
            client_options={"allow_http": True},
        )  # fmt: skip
        for number in range(5):
            obstore.put(store, f"objects/{number}", b"x" * number, mode="create")
        with pytest.raises(obstore.exceptions.AlreadyExistsError):
            obstore.put(store, "objects/1", b"other", mode="create")
        large = bytes(range(256)) * 50_000
        obstore.put(store, "large", large, chunk_size=5 * 1024 * 1024)
        assert bytes(obstore.get(store, "large").bytes()) == large
        assert bytes(obstore.get_range(store, "large", start=256, end=260)) == b"\x00\x01\x02\x03"
        sizes = {item["path"]: item["size"] for item in obstore.list(store, prefix="objects").collect()}
        assert sizes == {f"objects/{number}": number for number in range(5)}
        obstore.delete(store, [f"objects/{number}" for number in range(5)])
        assert obstore.list(store, prefix="objects").collect() == []


def test_what_nothing_names_any_more_is_collected_at_the_start(tmp_path):
    objects = ObjectStore(tmp_path)
    blobs = []
    for text in (b"kept", b"a part", b"old"):
        upload = objects.incoming()
        upload.write(text)
        blobs.append(objects.keep(upload))
    (objects.blobs / ".incoming-cut-off").write_bytes(b"half")
    objects.put(StoredObject("b", "k", 4, '"e"', 0.0, blobs[0]))
    objects.also_used = lambda: [blobs[1]]
    assert objects.collect() == 2
    assert [objects.blob_path(blob).exists() for blob in blobs] == [True, True, False]


def test_prefixes_end_where_utf8_order_says():
    assert after_all_with("a") == "b"
    assert after_all_with("a\U0010ffff") == "b"
    assert after_all_with("\ud7ff") == "\ue000"
    assert after_all_with("\U0010ffff") is None


@pytest.mark.real
def test_the_aws_cli_works_unchanged(tmp_path):
    """Installs the AWS CLI (with SigV4A) into an environment of its own."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    cli = tmp_path / "venv" / "bin"
    installed = subprocess.run([cli / "python", "-m", "pip", "install", "-q", "awscli", "awscrt"], check=False)
    if installed.returncode:
        pytest.skip("the AWS CLI could not be installed by pip: nothing was tested with it")
    site = tmp_path / "site"
    (site / "posts").mkdir(parents=True)
    (site / "index.html").write_text("<p>home")
    (site / "posts" / "a b.html").write_text("<p>post" * 1000)
    (site / "large.bin").write_bytes(bytes(range(256)) * 50_000)
    with sandbox(tmp_path / "state") as (_, environment):
        given = {
            **os.environ,
            **environment,
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        }

        def aws(*words: str, refused: str | None = None) -> str:
            done = subprocess.run([cli / "aws", *words], env=given, capture_output=True, text=True, check=False)
            assert (done.returncode == 0) is (refused is None), done.stderr
            assert refused is None or refused in done.stderr
            return done.stdout

        aws("s3", "mb", "s3://from-cli")
        aws("s3", "sync", str(site), "s3://from-cli")
        assert aws("s3", "sync", str(site), "s3://from-cli") == ""
        assert "a b.html" in aws("s3", "ls", "--recursive", "s3://from-cli")
        aws("s3", "cp", "s3://from-cli/large.bin", str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == (site / "large.bin").read_bytes()
        once = ("s3api", "put-object", "--bucket", "from-cli", "--key", "once", "--if-none-match", "*",
                "--checksum-algorithm", "SHA256", "--body", str(site / "index.html"))  # fmt: skip
        aws(*once)
        aws(*once, refused="PreconditionFailed")
        aws("s3", "rb", "s3://from-cli", refused="BucketNotEmpty")
        aws("s3", "rb", "--force", "s3://from-cli")
        nowhere = "arn:aws:cloudfront::123456789012:key-value-store/00000000-0000-0000-0000-000000000000"
        aws("cloudfront-keyvaluestore", "list-keys", "--kvs-arn", nowhere, refused="ResourceNotFoundException")


def stored(objects, key, text, bucket="b"):
    upload = objects.incoming()
    upload.write(text)
    objects.take(upload, StoredObject(bucket, key, len(text), '"e"', 0.0, ""))
    return objects.blob_path(objects.get(bucket, key).blob)


@pytest.mark.parametrize("way", ["deleted", "replaced", "cleared"])
def test_bytes_go_with_the_last_object_that_has_them(tmp_path, way):
    objects = ObjectStore(tmp_path)
    shared, single = stored(objects, "one", b"shared", "other"), stored(objects, "two", b"single")
    stored(objects, "three", b"shared")
    for key in ("two", "three"):
        if way == "deleted":
            objects.delete("b", key)
        elif way == "replaced":
            stored(objects, key, b"new")
    if way == "cleared":
        objects.clear("b")
    assert (shared.exists(), single.exists()) == (True, False)
    objects.delete("other", "one")
    assert not shared.exists()


def test_bytes_of_a_part_stay_until_its_upload_is_over(tmp_path):
    with sandbox(tmp_path) as (_, environment):
        client, part = s3(environment), bytes(5 * 1024 * 1024)
        client.create_bucket(Bucket="b")
        upload = client.create_multipart_upload(Bucket="b", Key="large")["UploadId"]
        place = {"Bucket": "b", "Key": "large", "UploadId": upload}
        etag = client.upload_part(**place, PartNumber=1, Body=part)["ETag"]
        client.put_object(Bucket="b", Key="same", Body=part)
        client.delete_object(Bucket="b", Key="same")
        kept = [path for path in (tmp_path / "aws" / "objects").rglob("*") if path.is_file()]
        assert [path.stat().st_size for path in kept] == [len(part)]
        client.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
        assert client.get_object(Bucket="b", Key="large")["Body"].read() == part
        client.delete_object(Bucket="b", Key="large")
        assert not any(path.is_file() for path in (tmp_path / "aws" / "objects").rglob("*"))
