"""The S3 twin as boto3 sees it, unchanged; what AWS documents is asserted, with the page where it is not plain."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import requests
import trustme
from boto3.s3.transfer import TransferConfig
from botocore import UNSIGNED
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from sandbox.platforms.aws.s3 import s3_app
from sandbox.platforms.aws.signatures import ACCESS_KEY, SECRET_KEY

ALGORITHMS = ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256")


def refusal(call, **arguments) -> tuple[str, int]:
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def signed(cloud, method, path, body=b"", **headers):
    """A request signed by botocore, to be sent by hand."""
    request = AWSRequest(method, cloud.s3_url + path, data=body, headers=headers)
    S3SigV4Auth(Credentials(ACCESS_KEY, SECRET_KEY), "s3", "us-east-1").add_auth(request)
    return request.prepare()


def sent(prepared, body=None):
    data = prepared.body if body is None else body
    return requests.request(prepared.method, prepared.url, headers=dict(prepared.headers), data=data, timeout=20)


def test_an_object_comes_back_with_its_bytes_headers_and_metadata(cloud, bucket):
    s3 = cloud.s3()
    s3.put_object(
        Bucket=bucket, Key="a b/ü?.html", Body=b"<p>", ContentType="text/html", CacheControl="max-age=60",
        ContentLanguage="de", ContentDisposition="inline", ContentEncoding="identity", Metadata={"note": "x"},
    )  # fmt: skip
    found = s3.get_object(Bucket=bucket, Key="a b/ü?.html")
    assert found["Body"].read() == b"<p>"
    assert found["ETag"] == f'"{hashlib.md5(b"<p>", usedforsecurity=False).hexdigest()}"'
    kept = {key: found[key] for key in ("ContentType", "CacheControl", "ContentLanguage", "ContentEncoding")}
    assert kept == {"ContentType": "text/html", "CacheControl": "max-age=60", "ContentLanguage": "de",
                    "ContentEncoding": "identity"}  # fmt: skip
    assert found["ContentDisposition"] == "inline"
    assert found["Metadata"] == {"note": "x"}


def test_without_a_content_type_s3_guesses_none(cloud, bucket):
    cloud.s3().put_object(Bucket=bucket, Key="page.html", Body=b"")
    assert cloud.s3().head_object(Bucket=bucket, Key="page.html")["ContentType"] == "binary/octet-stream"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_checksum_is_made_by_the_client_kept_and_given_back(cloud, bucket, algorithm):
    s3 = cloud.s3()
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"123456789", ChecksumAlgorithm=algorithm)
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert put[f"Checksum{algorithm}"] == head[f"Checksum{algorithm}"]
    assert s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["Body"].read() == b"123456789"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_wrong_checksum_is_refused_and_nothing_is_stored(cloud, bucket, algorithm):
    size = {"CRC32": 4, "CRC32C": 4, "CRC64NVME": 8, "SHA1": 20, "SHA256": 32}[algorithm]
    wrong = {f"Checksum{algorithm}": base64.b64encode(bytes(size)).decode()}
    assert refusal(cloud.s3().put_object, Bucket=bucket, Key="k", Body=b"x", **wrong) == ("BadDigest", 400)
    assert refusal(cloud.s3().head_object, Bucket=bucket, Key="k")[1] == 404


def test_a_checksum_that_is_none_is_refused(cloud, bucket):
    assert refusal(cloud.s3().put_object, Bucket=bucket, Key="k", Body=b"x", ChecksumSHA256="AAAA")[1] == 400


def test_content_md5_is_held_against_the_body(cloud, bucket):
    put = cloud.s3().put_object
    right = base64.b64encode(hashlib.md5(b"x", usedforsecurity=False).digest()).decode()
    put(Bucket=bucket, Key="k", Body=b"x", ContentMD5=right)
    assert refusal(put, Bucket=bucket, Key="k", Body=b"y", ContentMD5=right) == ("BadDigest", 400)
    assert refusal(put, Bucket=bucket, Key="k", Body=b"y", ContentMD5="no digest") == ("InvalidDigest", 400)


def test_bytes_that_changed_after_signing_are_refused(cloud, bucket):
    answer = sent(signed(cloud, "PUT", f"/{bucket}/k", b"signed"), b"forged")
    assert (answer.status_code, "XAmzContentSHA256Mismatch" in answer.text) == (400, True)


def test_write_once_lets_exactly_one_of_many_writers_through(cloud, bucket):
    def write(number):
        try:
            cloud.s3().put_object(Bucket=bucket, Key="once", Body=str(number).encode(), IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"]
        return number

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(write, range(8)))
    winners = [result for result in results if isinstance(result, int)]
    assert len(winners) == 1
    assert results.count("PreconditionFailed") == 7
    assert cloud.s3().get_object(Bucket=bucket, Key="once")["Body"].read() == str(winners[0]).encode()


def test_write_over_only_the_version_that_is_known(cloud, bucket):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html."""
    s3 = cloud.s3()
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"", IfMatch='"0"') == ("NoSuchKey", 404)
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert refusal(s3.put_object, Bucket=bucket, Key="k", Body=b"3", IfMatch=etag) == ("PreconditionFailed", 412)
    assert refusal(s3.delete_object, Bucket=bucket, Key="k", IfMatch=etag) == ("PreconditionFailed", 412)


@pytest.mark.parametrize(
    ("asked", "body", "status"),
    [
        ("bytes=0-3", b"0123", 206),
        ("bytes=7-", b"789", 206),
        ("bytes=-2", b"89", 206),
        ("bytes=5-100", b"56789", 206),
        ("bytes=3-1", b"0123456789", 200),
        ("lines=0-1", b"0123456789", 200),
    ],
)
def test_ranges(cloud, bucket, asked, body, status):
    cloud.s3().put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    found = cloud.s3().get_object(Bucket=bucket, Key="digits", Range=asked)
    assert (found["Body"].read(), found["ResponseMetadata"]["HTTPStatusCode"]) == (body, status)


def test_a_range_past_the_end_is_refused(cloud, bucket):
    cloud.s3().put_object(Bucket=bucket, Key="digits", Body=b"0123456789")
    assert refusal(cloud.s3().get_object, Bucket=bucket, Key="digits", Range="bytes=10-") == ("InvalidRange", 416)


def test_conditional_reads(cloud, bucket):
    s3 = cloud.s3()
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    early, late = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    for same in ({"IfNoneMatch": etag}, {"IfModifiedSince": late}):
        assert refusal(s3.get_object, Bucket=bucket, Key="k", **same)[1] == 304
    for other in ({"IfMatch": '"0"'}, {"IfUnmodifiedSince": early}):
        assert refusal(s3.get_object, Bucket=bucket, Key="k", **other)[1] == 412
    assert s3.get_object(Bucket=bucket, Key="k", IfMatch=etag, IfUnmodifiedSince=early)["Body"].read() == b"x"


def test_copies_keep_or_replace_headers_and_honour_every_condition(cloud, bucket):
    s3 = cloud.s3()
    etag = s3.put_object(Bucket=bucket, Key="a", Body=b"x", ContentType="text/css")["ETag"]
    source = {"Bucket": bucket, "Key": "a"}
    s3.copy_object(Bucket=bucket, Key="b", CopySource=source)
    assert s3.head_object(Bucket=bucket, Key="b")["ContentType"] == "text/css"
    s3.copy_object(
        Bucket=bucket, Key="b", CopySource=source, ContentType="text/html", MetadataDirective="REPLACE"
    )  # fmt: skip
    assert s3.head_object(Bucket=bucket, Key="b")["ContentType"] == "text/html"
    for stale in ({"CopySourceIfMatch": '"0"'}, {"CopySourceIfNoneMatch": etag}, {"IfNoneMatch": "*"}):
        assert refusal(s3.copy_object, Bucket=bucket, Key="b", CopySource=source, **stale) == (
            "PreconditionFailed",
            412,
        )
    assert refusal(s3.copy_object, Bucket=bucket, Key="a", CopySource=source) == ("InvalidRequest", 400)
    missing = {"Bucket": bucket, "Key": "no"}
    assert refusal(s3.copy_object, Bucket=bucket, Key="c", CopySource=missing) == ("NoSuchKey", 404)


def test_many_keys_are_deleted_in_one_call(cloud, bucket):
    s3 = cloud.s3()
    for number in range(3):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k0"}, {"Key": "k1"}, {"Key": "never"}]})
    assert {item["Key"] for item in answer["Deleted"]} == {"k0", "k1", "never"}
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k2"}], "Quiet": True})
    assert "Deleted" not in quiet
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<Delete><Object><Key>k</Key></Object></Delete>", "InvalidRequest"),
        (b"<Delete", "MalformedXML"),
        (b'<!DOCTYPE d [<!ENTITY e "x">]><Delete><Object><Key>&e;</Key></Object></Delete>', "MalformedXML"),
        (b"<Delete></Delete>", "MalformedXML"),
    ],
)
def test_a_list_of_deletes_needs_a_digest_and_the_right_form(cloud, bucket, body, code):
    md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
    headers = {} if code == "InvalidRequest" else {"Content-MD5": md5}
    answer = sent(signed(cloud, "POST", f"/{bucket}?delete=", body, **headers))
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (400, True)


def test_listings_come_in_pages_in_utf8_order(cloud, bucket):
    s3 = cloud.s3()
    keys = ["a", "a/1", "a/2", "b&c", "z", "é", "日本", "\U0001f600", "＀"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    found = [item["Key"] for page in pages for item in page.get("Contents", [])]
    assert found == sorted(keys, key=str.encode)
    older = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [item["Key"] for page in older for item in page.get("Contents", [])] == found
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket, StartAfter="z")["Contents"]] == found[5:]


def test_a_delimiter_groups_keys_across_pages(cloud, bucket):
    s3 = cloud.s3()
    for key in ("a/1", "a/2", "b", "c/1", "c/2/3", "d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    for name in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(name).paginate(Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}))
        prefixes = [item["Prefix"] for page in pages for item in page.get("CommonPrefixes", [])]
        assert prefixes == ["a/", "c/"]
        assert [item["Key"] for page in pages for item in page.get("Contents", [])] == ["b", "d"]


def test_a_page_of_nothing_is_the_last(cloud, bucket):
    cloud.s3().put_object(Bucket=bucket, Key="k", Body=b"")
    page = cloud.s3().list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)


@pytest.mark.parametrize("wrong", [{"MaxKeys": -1}, {"ContinuationToken": "%%%"}, {"EncodingType": "gzip"}])
def test_a_listing_that_makes_no_sense_is_refused(cloud, bucket, wrong):
    assert refusal(cloud.s3().list_objects_v2, Bucket=bucket, **wrong) == ("InvalidArgument", 400)


def test_large_files_go_in_parts_and_come_back_whole(cloud, bucket, tmp_path):
    body = bytes(range(256)) * 50_000
    (tmp_path / "large").write_bytes(body)
    parts = TransferConfig(multipart_threshold=5 * 1024 * 1024, multipart_chunksize=5 * 1024 * 1024)
    cloud.s3().upload_file(str(tmp_path / "large"), bucket, "large", Config=parts)
    cloud.s3().download_file(bucket, "large", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == body
    head = cloud.s3().head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"')
    assert head["ChecksumCRC32"].endswith("-3")


def parted(s3, bucket, bodies):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="p")["UploadId"]
    place = {"Bucket": bucket, "Key": "p", "UploadId": upload}
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**place, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, start=1)
    ]
    return place, parts


def test_parts_are_joined_only_when_listed_rightly(cloud, bucket):
    s3, five = cloud.s3(), bytes(5 * 1024 * 1024)
    place, parts = parted(s3, bucket, [five, b"end"])
    assert [part["PartNumber"] for part in s3.list_parts(**place)["Parts"]] == [1, 2]
    refused = [
        ([parts[1], parts[0]], "InvalidPartOrder"),
        ([parts[0], {**parts[1], "ETag": '"0"'}], "InvalidPart"),
        ([{**parts[0], "PartNumber": 9}], "InvalidPart"),
        ([], "MalformedXML"),
    ]
    for given, code in refused:
        assert refusal(s3.complete_multipart_upload, **place, MultipartUpload={"Parts": given}) == (code, 400)
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    assert s3.head_object(Bucket=bucket, Key="p")["ContentLength"] == len(five) + 3
    assert refusal(s3.list_parts, **place) == ("NoSuchUpload", 404)


def test_small_parts_but_the_last_are_refused(cloud, bucket):
    place, parts = parted(cloud.s3(), bucket, [b"small", b"end"])
    complete = cloud.s3().complete_multipart_upload
    assert refusal(complete, **place, MultipartUpload={"Parts": parts}) == ("EntityTooSmall", 400)


def test_write_once_holds_for_uploads_in_parts_too(cloud, bucket):
    place, parts = parted(cloud.s3(), bucket, [b"end"])
    cloud.s3().put_object(Bucket=bucket, Key="p", Body=b"first")
    done = {"MultipartUpload": {"Parts": parts}, "IfNoneMatch": "*"}
    assert refusal(cloud.s3().complete_multipart_upload, **place, **done) == ("PreconditionFailed", 412)
    cloud.s3().abort_multipart_upload(**place)
    assert "Uploads" not in cloud.s3().list_multipart_uploads(Bucket=bucket)


def test_buckets_exist_by_declaration_or_by_call_and_go_only_when_empty(cloud):
    s3 = cloud.s3()
    s3.create_bucket(Bucket="made-by-call")
    s3.create_bucket(Bucket="made-by-call")
    assert "made-by-call" in {found["Name"] for found in s3.list_buckets()["Buckets"]}
    assert s3.get_bucket_location(Bucket="made-by-call")["LocationConstraint"] is None
    s3.put_object(Bucket="made-by-call", Key="k", Body=b"")
    assert refusal(s3.delete_bucket, Bucket="made-by-call") == ("BucketNotEmpty", 409)
    s3.delete_object(Bucket="made-by-call", Key="k")
    s3.delete_bucket(Bucket="made-by-call")
    assert refusal(s3.head_bucket, Bucket="made-by-call")[1] == 404
    assert refusal(s3.put_object, Bucket="made-by-call", Key="k", Body=b"") == ("NoSuchBucket", 404)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"aws_access_key_id": "AKIAOTHEROTHEROTHER0"}, "InvalidAccessKeyId"),
        ({"aws_secret_access_key": "other"}, "SignatureDoesNotMatch"),
        ({"aws_session_token": "token"}, "InvalidToken"),
        ({"config": Config(signature_version=UNSIGNED)}, "AccessDenied"),
    ],
)
def test_credentials_are_checked(cloud, bucket, options, code):
    status = 400 if code == "InvalidToken" else 403
    assert refusal(cloud.s3(**options).list_objects_v2, Bucket=bucket) == (code, status)


def test_a_request_for_another_region_is_refused(cloud, bucket):
    client = boto3.client(
        "s3", region_name="eu-west-1", endpoint_url=cloud.s3_url, aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
    )  # fmt: skip
    assert refusal(client.list_objects_v2, Bucket=bucket) == ("AuthorizationHeaderMalformed", 400)


def test_a_clock_that_is_wrong_by_more_than_a_quarter_of_an_hour_is_refused(cloud, bucket, monkeypatch):
    prepared = signed(cloud, "GET", f"/{bucket}")
    real = datetime.now(UTC).timestamp()
    monkeypatch.setattr("sandbox.platforms.aws.s3.endpoint.time.time", lambda: real + 901)
    answer = sent(prepared)
    assert (answer.status_code, "RequestTimeTooSkewed" in answer.text) == (403, True)


def test_aws_headers_that_are_not_signed_are_refused(cloud, bucket):
    prepared = signed(cloud, "PUT", f"/{bucket}/k", b"x")
    prepared.headers["x-amz-meta-smuggled"] = "1"
    answer = sent(prepared)
    assert (answer.status_code, "not signed" in answer.text) == (403, True)


def test_a_write_that_waits_is_told_to_continue(cloud, bucket):
    prepared = signed(cloud, "PUT", f"/{bucket}/k", b"hello")
    host, port = cloud.s3_url.removeprefix("http://").split(":")
    head = "".join(f"{name}: {value}\r\n" for name, value in prepared.headers.items() if name != "Host")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(
            f"PUT /{bucket}/k HTTP/1.1\r\nHost: {host}:{port}\r\n{head}Expect: 100-continue\r\n\r\n".encode()
        )
        assert connection.recv(64).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"hello")
        assert connection.recv(64).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_over_tls_boto3_sends_chunks_with_a_trailing_checksum(cloud, bucket, tmp_path, algorithm):
    authority = trustme.CA()
    tls = trustme_context(authority)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    url = cloud.server.serve(s3_app(cloud.store, cloud.objects), tls)
    s3 = cloud.s3(endpoint_url=url, verify=str(tmp_path / "ca.pem"))
    seen = []
    s3.meta.events.register("before-send.s3.PutObject", lambda request, **_: seen.append(request.headers))
    body = bytes(range(256)) * 3000
    answer = s3.put_object(Bucket=bucket, Key="tls", Body=body, ChecksumAlgorithm=algorithm)
    assert b"STREAMING-UNSIGNED-PAYLOAD-TRAILER" in {seen[0]["x-amz-content-sha256"]}
    assert answer[f"Checksum{algorithm}"]
    found = s3.get_object(Bucket=bucket, Key="tls")
    assert found["Body"].read() == body
    assert "ContentEncoding" not in found


def trustme_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_many_threads_write_and_read_at_once(cloud, bucket):
    s3, wrong = cloud.s3(), []

    def work(number):
        for index in range(10):
            body = f"{number}-{index}".encode() * 100
            s3.put_object(Bucket=bucket, Key=f"{number}/{index}", Body=body)
            if s3.get_object(Bucket=bucket, Key=f"{number}/{index}")["Body"].read() != body:
                wrong.append((number, index))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 60
