"""The KeyValueStore as boto3 with SigV4A sees it, unchanged, and as edges see it: later, in no order."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.platforms.aws.key_value_store import MAX_KEYS_A_CALL, SPREAD, KeyValueError, KeyValues
from tests.sandbox.platforms.aws.cloud import StillClock


@pytest.fixture
def arn(cloud) -> str:
    return cloud.declare("aws:cloudfront/keyValueStore:KeyValueStore")[1]["arn"]


def refusal(call, **arguments) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_keys_are_written_read_listed_and_deleted(cloud, arn):
    kvs = cloud.key_values()
    etag = kvs.describe_key_value_store(KvsARN=arn)["ETag"]
    puts = [{"Key": f"/p {number}/ü", "Value": "1:ü"} for number in range(12)]
    etag = kvs.update_keys(KvsARN=arn, IfMatch=etag, Puts=puts)["ETag"]
    assert kvs.get_key(KvsARN=arn, Key="/p 3/ü")["Value"] == "1:ü"
    pages = kvs.get_paginator("list_keys").paginate(KvsARN=arn, PaginationConfig={"PageSize": 5})
    assert [item["Key"] for page in pages for item in page["Items"]] == sorted(item["Key"] for item in puts)
    etag = kvs.put_key(KvsARN=arn, IfMatch=etag, Key="a", Value="b")["ETag"]
    etag = kvs.update_keys(KvsARN=arn, IfMatch=etag, Deletes=[{"Key": item["Key"]} for item in puts])["ETag"]
    last = kvs.delete_key(KvsARN=arn, IfMatch=etag, Key="a")
    assert (last["ItemCount"], last["TotalSizeInBytes"]) == (0, 0)
    described = kvs.describe_key_value_store(KvsARN=arn)
    assert (described["ETag"], described["Status"], described["KvsARN"]) == (last["ETag"], "READY", arn)
    assert described["LastModified"] >= described["Created"]


def test_a_stale_version_is_a_conflict_and_changes_nothing(cloud, arn):
    kvs = cloud.key_values()
    stale = kvs.describe_key_value_store(KvsARN=arn)["ETag"]
    kvs.put_key(KvsARN=arn, IfMatch=stale, Key="a", Value="first")
    assert refusal(kvs.put_key, KvsARN=arn, IfMatch=stale, Key="a", Value="second") == ("ConflictException", 409)
    assert refusal(kvs.delete_key, KvsARN=arn, IfMatch=stale, Key="a") == ("ConflictException", 409)
    assert kvs.get_key(KvsARN=arn, Key="a")["Value"] == "first"


def test_what_is_not_there_is_not_found(cloud, arn):
    kvs = cloud.key_values()
    etag = kvs.describe_key_value_store(KvsARN=arn)["ETag"]
    other = arn[:-1] + ("0" if arn[-1] != "0" else "1")
    not_found = ("ResourceNotFoundException", 404)
    assert refusal(kvs.get_key, KvsARN=arn, Key="no") == not_found
    assert refusal(kvs.delete_key, KvsARN=arn, IfMatch=etag, Key="no") == not_found
    assert refusal(kvs.describe_key_value_store, KvsARN=other) == not_found


@pytest.mark.parametrize("options", [{"aws_access_key_id": "AKIAOTHEROTHEROTHER0"}, {"aws_secret_access_key": "other"}])
def test_sigv4a_is_checked(cloud, arn, options):
    assert refusal(cloud.key_values(**options).describe_key_value_store, KvsARN=arn) == ("AccessDeniedException", 403)


def pair(key: str = "k", value: str = "v") -> dict[str, str]:
    return {"Key": key, "Value": value}


@pytest.mark.parametrize(
    "call",
    [
        {"Puts": [pair("k" * 513)]},
        {"Puts": [pair("ü" * 257)]},
        {"Puts": [pair(value="v" * 1025)]},
        {"Puts": [pair(str(number)) for number in range(MAX_KEYS_A_CALL + 1)]},
        {"Puts": [pair(), pair()]},
        {"Puts": [pair()], "Deletes": [{"Key": "k"}]},
        {},
    ],
)
def test_calls_beyond_the_quotas_are_refused_whole(cloud, arn, call):
    kvs = cloud.key_values()
    etag = kvs.describe_key_value_store(KvsARN=arn)["ETag"]
    assert refusal(kvs.update_keys, KvsARN=arn, IfMatch=etag, **call) == ("ValidationException", 400)
    assert kvs.describe_key_value_store(KvsARN=arn)["ETag"] == etag


def test_pages_have_fifty_keys_at_the_most(cloud, arn):
    assert refusal(cloud.key_values().list_keys, KvsARN=arn, MaxResults=51) == ("ValidationException", 400)


def fresh(spread: float = SPREAD) -> tuple[KeyValues, StillClock]:
    clock = StillClock()
    return KeyValues(Path(tempfile.mkdtemp()), clock, spread), clock


def test_a_store_beyond_five_megabytes_is_refused_and_stays_as_it_was():
    pairs, _ = fresh()
    etag = pairs.version("s").etag
    batches = [{f"{batch:04}/{number:03}": "v" * 1024 for number in range(50)} for batch in range(102)]
    for puts in batches[:101]:
        etag = pairs.write("s", etag, puts, [])
    before = pairs.totals("s")
    with pytest.raises(KeyValueError) as error:
        pairs.write("s", etag, batches[101], [])
    assert error.value.code == "ServiceQuotaExceededException"
    assert pairs.totals("s") == before
    assert pairs.version("s").etag == etag


KEYS = st.sampled_from(["a", "b", "/c", "ü"])
CALLS = st.lists(
    st.tuples(
        st.dictionaries(KEYS, st.one_of(st.text(max_size=5), st.just("v" * 1025)), max_size=3),
        st.lists(KEYS, max_size=2, unique=True),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(CALLS)
def test_every_call_is_applied_whole_or_not_at_all(calls):
    pairs, _ = fresh()
    model: dict[str, str] = {}
    for puts, deletes, stale in calls:
        version = pairs.version("s").etag
        try:
            pairs.write("s", "stale" if stale else version, puts, deletes)
        except KeyValueError:
            assert pairs.version("s").etag == version
        else:
            model = {key: value for key, value in {**model, **puts}.items() if key not in deletes}
            assert pairs.version("s").etag != version
        assert dict(pairs.page("s", "", 50)) == model
        size = sum(len(key.encode()) + len(value.encode()) for key, value in model.items())
        assert pairs.totals("s") == (len(model), size)
    pairs.close()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(KEYS, st.floats(0, 3)), max_size=10))
def test_an_edge_sees_each_key_late_never_older_again_and_in_the_end_all(writes):
    pairs, clock = fresh()
    history: dict[str, list[str | None]] = {}
    seen: dict[str, int] = {}
    for number, (key, pause) in enumerate(writes):
        pairs.write("s", pairs.version("s").etag, {key: str(number)}, [])
        history.setdefault(key, [None]).append(str(number))
        clock.elapsed += pause
        for other, values in history.items():
            position = values.index(pairs.seen("s", other))
            assert position >= seen.get(other, 0)
            seen[other] = position
    clock.elapsed += SPREAD
    assert {key: pairs.seen("s", key) for key in history} == {key: values[-1] for key, values in history.items()}
    pairs.close()


def test_keys_of_one_call_reach_the_edge_in_no_promised_order():
    orders = set()
    for _ in range(40):
        pairs, clock = fresh()
        pairs.write("s", pairs.version("s").etag, {"a": "1", "b": "1"}, [])
        clock.elapsed += SPREAD / 2
        orders.add((pairs.seen("s", "a"), pairs.seen("s", "b")))
        pairs.close()
    assert {(None, "1"), ("1", None)} <= orders


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"Puts": 1}', b'{"Puts": [{"Key": "k"}]}', b'{"Puts": [1]}'])
def test_a_body_of_the_wrong_form_is_refused(cloud, arn, body):
    kvs = cloud.key_values()
    etag = kvs.describe_key_value_store(KvsARN=arn)["ETag"]

    def replace_body(request, **_):
        request.data = body

    kvs.meta.events.register("before-sign.cloudfront-keyvaluestore.UpdateKeys", replace_body)
    assert refusal(kvs.update_keys, KvsARN=arn, IfMatch=etag, Puts=[pair()]) == ("ValidationException", 400)
    assert kvs.list_keys(KvsARN=arn)["Items"] == []
