"""The S3 twin beside moto: the same operations must give the same answers where both follow S3.

moto does not check signatures, checksums and copy conditions; those are not compared.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

KEYS = st.sampled_from(["a", "a/1", "a/2", "a/b/3", "b", "b c+d&e", "é", "z/"])
BODIES = st.sampled_from([b"", b"x", b"0123456789"])
RANGES = st.sampled_from(["bytes=0-3", "bytes=2-", "bytes=-1", "bytes=0-100", "bytes=50-"])

PUT = st.fixed_dictionaries(
    {"call": st.just("put_object"), "Key": KEYS, "Body": BODIES, "ContentType": st.sampled_from(["text/css", "x/y"])},
    optional={"IfNoneMatch": st.just("*"), "IfMatch": st.just('"00"'), "Metadata": st.just({"m": "1"})},
)
READ = st.fixed_dictionaries({"call": st.sampled_from(["get_object", "head_object"]), "Key": KEYS})
PART = st.fixed_dictionaries({"call": st.just("get_object"), "Key": KEYS, "Range": RANGES})
DELETE = st.fixed_dictionaries({"call": st.just("delete_object"), "Key": KEYS})
DELETES = st.fixed_dictionaries(
    {
        "call": st.just("delete_objects"),
        "Delete": st.lists(KEYS, min_size=1, max_size=3, unique=True).map(
            lambda keys: {"Objects": [{"Key": key} for key in keys]}
        ),
    }
)
COPY = st.fixed_dictionaries(
    {"call": st.just("copy_object"), "Key": KEYS, "source": KEYS},
    optional={"MetadataDirective": st.just("REPLACE")},
)
LIST = st.fixed_dictionaries(
    {
        "call": st.just("list_objects_v2"),
        "MaxKeys": st.sampled_from([1, 2, 1000]),
        "Prefix": st.sampled_from(["", "a", "a/", "b", "none"]),
        "Delimiter": st.sampled_from(["", "/"]),
    }
)
THERE = st.dictionaries(KEYS, BODIES, min_size=4)
OPERATIONS = st.lists(st.one_of(PUT, READ, PART, PART, DELETE, DELETES, COPY, LIST), min_size=4, max_size=14)


@pytest.fixture(scope="module")
def oracle() -> Iterator[Any]:
    """A client whose requests moto answers in this process; other endpoints are left alone."""
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")


def answer(client: Any, bucket: str, operation: dict[str, Any]) -> dict[str, Any]:
    """What a caller would see, without times and request ids."""
    given_ = {name: value for name, value in operation.items() if name not in {"call", "source"}}
    if "source" in operation:
        given_["CopySource"] = {"Bucket": bucket, "Key": operation["source"]}
    try:
        if operation["call"] == "list_objects_v2":
            return listed(client, bucket, given_)
        found = getattr(client, operation["call"])(Bucket=bucket, **given_)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return {"status": status, "code": None if status == 404 else error.response["Error"]["Code"]}
    seen: dict[str, Any] = {"status": found["ResponseMetadata"]["HTTPStatusCode"]}
    if "Body" in found:
        seen["body"] = found["Body"].read()
    if "Deleted" in found:
        seen["deleted"] = sorted(item["Key"] for item in found["Deleted"])
    names = ("ETag", "ContentType", "ContentLength", "Metadata", "ContentRange")
    return seen | {name: found[name] for name in names if name in found and operation["call"] != "delete_objects"}


def listed(client: Any, bucket: str, given_: dict[str, Any]) -> dict[str, Any]:
    pages, token = [], {}
    while True:
        page = client.list_objects_v2(Bucket=bucket, **given_, **token)
        pages.append(
            [
                *((item["Key"], item["Size"], item["ETag"]) for item in page.get("Contents", [])),
                *(item["Prefix"] for item in page.get("CommonPrefixes", [])),
            ]
        )
        if not page["IsTruncated"]:
            return {"pages": pages}
        token = {"ContinuationToken": page["NextContinuationToken"]}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(THERE, OPERATIONS)
def test_the_same_operations_give_the_same_answers_as_moto(cloud, oracle, there, operations):
    bucket, ours = f"b-{uuid.uuid4().hex}", cloud.s3()
    ours.create_bucket(Bucket=bucket)
    oracle.create_bucket(Bucket=bucket)
    first = [{"call": "put_object", "Key": key, "Body": body} for key, body in there.items()]
    for operation in [*first, *operations]:
        assert answer(ours, bucket, operation) == answer(oracle, bucket, operation), operation
