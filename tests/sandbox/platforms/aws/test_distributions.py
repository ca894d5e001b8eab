"""CloudFront's semantics, each with the page that documents it (under docs.aws.amazon.com/AmazonCloudFront)."""

from __future__ import annotations

import gzip
import json
import socket

import pytest

from components.hosts.aws import router_code
from sandbox.platforms.aws.cloudfront_resources import Function
from sandbox.platforms.aws.distributions import Distributions
from tests.sandbox.platforms.aws.cloud import Cloud

REWRITE = """
import cf from 'cloudfront';
const kvs = cf.kvs('STORE');
async function handler(event) {
  event.request.uri = '/' + await kvs.get('prefix') + event.request.uri;
  return event.request;
}
"""


def handler(body: str) -> str:
    return f"function handler(event) {{ {body} }}"


def test_the_rewritten_uri_is_what_the_origin_is_asked_for(cloud):
    """functions-event-structure.html: "it changes the object that the viewer is requesting"."""
    site = cloud.site(REWRITE)
    site.put("v1/page", b"one")
    site.put("v2/page", b"two")
    site.set_keys(prefix="v1")
    assert site.get("/page").content == b"one"
    site.set_keys(prefix="v2")
    assert site.get("/page").content == b"two"


def test_functions_read_the_store_as_the_edge_sees_it(cloud):
    site = cloud.site(REWRITE)
    site.put("v1/page", b"one")
    site.put("v2/page", b"two")
    site.set_keys(prefix="v1")
    cloud.pairs.write(site.store, cloud.pairs.version(site.store).etag, {"prefix": "v2"}, [])
    assert site.get("/page").content == b"one"
    cloud.settle()
    assert site.get("/page").content == b"two"


@pytest.mark.parametrize(
    ("body", "status", "headers"),
    [
        ("return {statusCode: 301, headers: {location: {value: '/there'}}};", 301, {"Location": "/there"}),
        ("return {statusCode: 200, body: 'hello'};", 200, {}),
        ("return {statusCode: 200, body: {encoding: 'base64', data: 'aGVsbG8='}};", 200, {}),
        ("return {statusCode: 418, statusDescription: 'Teapot', headers: {'x-a': {value: 'b'}}};", 418, {"X-A": "b"}),
    ],
)
def test_a_viewer_request_function_may_answer_itself(cloud, body, status, headers):
    answer = cloud.site(handler(body)).get("/x")
    assert answer.status_code == status
    assert headers.items() <= answer.headers.items()
    assert answer.headers["X-Cache"] == "FunctionGeneratedResponse from cloudfront"
    assert answer.content in {b"", b"hello"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("throw new Error('x');", 503),
        ("while (true) {}", 503),
        ("return null;", 502),
        ("event.request.method = 'HEAD'; return event.request;", 502),
        ("event.request.uri = 'x'; return event.request;", 502),
        ("event.request.uri = '/' + 'x'.repeat(9000); return event.request;", 502),
        ("event.request.headers.host.value = 'other'; return event.request;", 502),
        ("delete event.request.headers.host; return event.request;", 502),
        ("event.request.headers['X-Upper'] = {value: 'x'}; return event.request;", 502),
        ("event.request.headers['x-edge-x'] = {value: 'x'}; return event.request;", 502),
        ("event.request.headers['connection'] = {value: 'close'}; return event.request;", 502),
        ("event.request.headers['x-a'] = 'no object'; return event.request;", 502),
        ("return {statusCode: '301'};", 502),
        ("return {statusCode: 200, body: {encoding: 'base64', data: '!'}};", 502),
    ],
)
def test_a_result_that_breaks_the_restrictions_is_an_error(cloud, body, status):
    """edge-function-restrictions-all.html; 503 where the function could not run."""
    answer = cloud.site(handler(body)).get("/x")
    assert answer.status_code == status
    assert answer.headers["X-Cache"] == "Error from cloudfront"


def test_the_event_has_headers_cookies_and_queries_as_documented(cloud):
    """functions-event-structure.html: lower-case names, multiValue, cookies apart, hidden headers left out."""
    site = cloud.site(handler("return {statusCode: 200, body: JSON.stringify(event)};"))
    event = json.loads(site.get("/a%20b?x=1&x=2&y", X_One="1", Cookie="c=1; d=2", Connection="close").content)
    request = event["request"]
    assert (request["method"], request["uri"]) == ("GET", "/a%20b")
    assert request["querystring"] == {"x": {"value": "1", "multiValue": [{"value": "1"}, {"value": "2"}]},
                                      "y": {"value": ""}}  # fmt: skip
    assert request["cookies"] == {"c": {"value": "1"}, "d": {"value": "2"}}
    assert request["headers"]["x-one"] == {"value": "1"}
    assert not request["headers"].keys() & {"cookie", "connection"}
    context = event["context"]
    assert (context["eventType"], context["distributionId"]) == ("viewer-request", site.identifier)
    assert context["distributionDomainName"] == site.distribution["domainName"]


@pytest.mark.parametrize(
    ("body", "status", "content"),
    [
        ("event.response.statusCode = 404; return event.response;", 404, b"page"),
        ("event.response.headers['x-new'] = {value: 'v'}; return event.response;", 200, b"page"),
        ("event.response.body = 'other'; return event.response;", 200, b"other"),
        ("event.response.headers['x-cache'] = {value: 'v'}; return event.response;", 502, None),
        ("event.response.headers['via'] = {value: 'v'}; return event.response;", 502, None),
        ("event.response.statusCode = 1000; return event.response;", 502, None),
    ],
)
def test_a_viewer_response_function_may_change_status_headers_and_body(cloud, body, status, content):
    """functions-event-structure.html: "Your function can generate or modify the statusCode"."""
    site = cloud.site(handler(body), events=("viewer-response",))
    site.put("page", b"page")
    answer = site.get("/page")
    assert answer.status_code == status
    assert content is None or answer.content == content


def test_a_viewer_response_function_is_not_run_when_the_origin_fails(cloud):
    """edge-function-restrictions-all.html: "when the origin returns HTTP status code 400 or higher"."""
    body = "event.response.headers['x-ran'] = {value: '1'}; return event.response;"
    rule = {"errorCode": 403, "responseCode": 200, "responsePagePath": "/page"}
    site = cloud.site(handler(body), events=("viewer-response",), customErrorResponses=[rule])
    site.put("page", b"page")
    assert site.get("/page").headers["X-Ran"] == "1"
    missing = site.get("/missing")
    assert (missing.status_code, missing.content, "X-Ran" in missing.headers) == (200, b"page", False)


@pytest.mark.parametrize("rewritten", [True, False])
def test_the_routers_answers_do_not_depend_on_which_request_a_response_function_sees(server, tmp_path, rewritten):
    """Undocumented: so the program's own function must bear both."""
    cloud = Cloud(tmp_path, server)
    other = Distributions(cloud.store, cloud.objects, cloud.pairs, cloud.clock, response_sees_rewritten=rewritten)
    cloud.public_url = server.serve(other.app())
    site = cloud.site(router_code("x/STORE"), events=("viewer-request", "viewer-response"))
    site.put("objects/page", b"page")
    site.put("not-found/lost", b"lost")
    rule = '[["/*","x-floor","1"],["/about","x-about","1"]]'
    site.set_pairs({"live": "3 r1 2 0 0 1 lost", "/about.html": "3:page", "rules/3/h0": rule})
    found, missing = site.get("/about"), site.get("/nope")
    assert (found.status_code, found.content, found.headers["X-About"]) == (200, b"page", "1")
    assert (missing.status_code, missing.content, missing.headers["X-Floor"]) == (404, b"lost", "1")
    assert "X-About" not in missing.headers


@pytest.mark.parametrize("host", ["dother00000000.cloudfront.net", "www.example.com"])
def test_an_unknown_host_is_refused(cloud, host):
    """HTTP 403 "Bad request" for a name that no distribution has."""
    answer = cloud.site().get("/", Host=host)
    assert (answer.status_code, answer.headers["X-Cache"]) == (403, "Error from cloudfront")


def test_host_names_are_told_apart_without_case_and_with_aliases(cloud):
    certificate = {
        "acmCertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/x",
        "sslSupportMethod": "sni-only",
    }
    site = cloud.site(aliases=["www.Example.org"], viewerCertificate=certificate)
    site.put("k", b"x")
    assert site.get("/k", Host=site.distribution["domainName"].upper()).content == b"x"
    assert site.get("/k", Host="WWW.example.org").content == b"x"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_methods_that_are_not_allowed_are_refused(cloud, method):
    """distribution-web-values-specify.html, allowed HTTP methods: 403."""
    assert cloud.site().get("/k", method).status_code == 403


def test_a_disabled_distribution_answers_nobody(cloud):
    site = cloud.site()
    site.put("k", b"x")
    cloud.update("aws:cloudfront/distribution:Distribution", site.identifier, enabled=False)
    assert site.get("/k").status_code == 403


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        ({}, 200),
        ({"Action": ["s3:Get*", "s3:PutObject"]}, 200),
        ({"Action": "s3:*"}, 200),
        ({"Action": "s3:PutObject"}, 403),
        ({"Resource": "arn:aws:s3:::BUCKET/k"}, 200),
        ({"Resource": "arn:aws:s3:::BUCKET/other/*"}, 403),
        ({"Effect": "Deny"}, 403),
        ({"Principal": {"Service": "lambda.amazonaws.com"}}, 403),
        ({"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}, 403),
        ({"Condition": {"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E0"}}}, 403),
        ({"Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:cloudfront::123456789012:distribution/*"}}}, 200),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}}}, 200),
        ({"Condition": {"StringEquals": {"AWS:SourceAccount": "999999999999"}}}, 403),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "127.0.0.1"}}}, 403),
    ],
)
def test_the_bucket_policy_decides_what_the_distribution_may_read(cloud, statement, status):
    """private-content-restricting-access-to-s3.html."""
    site = cloud.site()
    site.put("k", b"x")
    given = json.loads(json.dumps(statement).replace("BUCKET", site.bucket))
    site.allow(action="s3:GetObject", resource=f"arn:aws:s3:::{site.bucket}/*", **given)
    assert site.get("/k").status_code == status


@pytest.mark.parametrize("origin", [{"originAccessControlId": None}, {"originAccessControlId": "never"}])
def test_without_a_signing_origin_access_control_a_private_bucket_stays_closed(cloud, origin):
    if origin["originAccessControlId"] == "never":
        token = "aws:cloudfront/originAccessControl:OriginAccessControl"
        origin["originAccessControlId"], _ = cloud.declare(
            token, originAccessControlOriginType="s3", signingBehavior="never", signingProtocol="sigv4"
        )
    site = cloud.site(origin=origin)
    site.put("k", b"x")
    assert site.get("/k").status_code == 403


def test_a_missing_key_is_404_only_for_those_who_may_list(cloud):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html, permissions."""
    site = cloud.site()
    assert site.get("/missing").status_code == 403
    site.allow(["s3:GetObject", "s3:ListBucket"], f"arn:aws:s3:::{site.bucket}/*")
    policy = cloud.store.get("aws:s3/bucketPolicy:BucketPolicy", site.bucket)
    assert policy is not None
    document = json.loads(policy["policy"])
    document["Statement"][0]["Resource"] = [f"arn:aws:s3:::{site.bucket}", f"arn:aws:s3:::{site.bucket}/*"]
    cloud.update("aws:s3/bucketPolicy:BucketPolicy", site.bucket, policy=json.dumps(document))
    assert site.get("/other").status_code == 404


@pytest.mark.parametrize(
    ("cache_control", "age", "outcome"),
    [
        ("max-age=60", 59, "Hit"),
        ("max-age=60", 61, "RefreshHit"),
        ("max-age=60, s-maxage=5", 10, "RefreshHit"),
        ("s-maxage=60, max-age=5", 10, "Hit"),
        ("no-cache", 0.5, "Hit"),
        ("no-store", 2, "RefreshHit"),
        ("public, max-age=0, must-revalidate", 2, "RefreshHit"),
        (None, 86_000, "Hit"),
        (None, 87_000, "RefreshHit"),
        ("max-age=31536000, immutable", 31_000_000, "Hit"),
    ],
)
def test_answers_stay_in_the_cache_as_long_as_they_say(cloud, cache_control, age, outcome):
    """Expiration.html; CachingOptimized: least 1 s, most a year, a day where nothing is said."""
    site = cloud.site()
    site.put("k", b"x", **({"CacheControl": cache_control} if cache_control else {}))
    assert site.get("/k").headers["X-Cache"] == "Miss from cloudfront"
    cloud.clock.elapsed += age
    answer = site.get("/k")
    assert answer.headers["X-Cache"] == f"{outcome} from cloudfront"
    assert answer.headers.get("Age") == (str(int(age)) if outcome == "Hit" else None)


def test_the_cache_is_keyed_by_the_rewritten_uri_and_by_nothing_else(cloud):
    site = cloud.site(REWRITE)
    site.put("v1/page", b"one", CacheControl="max-age=60")
    site.put("v2/page", b"two", CacheControl="max-age=60")
    site.set_keys(prefix="v1")
    site.get("/page?a=1", Cookie="a=1")
    assert site.get("/page?b=2", Cookie="b=2").headers["X-Cache"] == "Hit from cloudfront"
    cloud.pairs.write(site.store, cloud.pairs.version(site.store).etag, {"prefix": "v2"}, [])
    cloud.clock.elapsed += 10
    assert site.get("/page").headers["X-Cache"] == "Miss from cloudfront"


def test_a_cached_answer_survives_the_object(cloud):
    site = cloud.site()
    site.put("k", b"x", CacheControl="max-age=60")
    site.get("/k")
    cloud.s3().delete_object(Bucket=site.bucket, Key="k")
    assert site.get("/k").content == b"x"
    cloud.clock.elapsed += 61
    assert site.get("/k").status_code == 403


@pytest.mark.parametrize(("rules", "seconds"), [([], 10), ([{"errorCode": 403, "errorCachingMinTtl": 2}], 2)])
def test_errors_are_cached_too(cloud, rules, seconds):
    """GeneratingCustomErrorResponses.html, error caching minimum TTL: 10 s unless configured."""
    site = cloud.site(customErrorResponses=rules)
    assert site.get("/late").status_code == 403
    site.put("late", b"x")
    assert site.get("/late").headers["X-Cache"] == "Error from cloudfront"
    cloud.clock.elapsed += seconds + 0.1
    assert site.get("/late").content == b"x"


def test_an_error_page_comes_from_the_origin_without_the_viewer_request_function(cloud):
    """GeneratingCustomErrorResponses.html."""
    rule = {"errorCode": 403, "responseCode": 404, "responsePagePath": "/errors/404.html"}
    site = cloud.site(handler("event.request.uri = '/gone'; return event.request;"), customErrorResponses=[rule])
    site.put("errors/404.html", b"not found")
    answer = site.get("/x")
    assert (answer.status_code, answer.content) == (404, b"not found")


def test_an_error_page_that_is_missing_leaves_the_error(cloud):
    rule = {"errorCode": 403, "responseCode": 404, "responsePagePath": "/errors/404.html"}
    assert cloud.site(customErrorResponses=[rule]).get("/x").status_code == 403


def test_the_default_root_object_stands_for_the_root_only(cloud):
    """DefaultRootObject.html."""
    site = cloud.site(defaultRootObject="index.html")
    site.put("index.html", b"root")
    site.put("folder/index.html", b"folder")
    assert site.get("/").content == b"root"
    assert site.get("/folder/").status_code == 403


def test_keys_are_found_by_their_decoded_path(cloud):
    site = cloud.site()
    site.put("a b/ü+&.txt", b"odd")
    assert site.get("/a%20b/%C3%BC+%26.txt").content == b"odd"


def test_an_origin_path_goes_before_every_key(cloud):
    site = cloud.site(origin={"originPath": "/deep"})
    site.put("deep/k", b"x")
    assert site.get("/k").content == b"x"


def policy(cloud, **config):
    return cloud.declare("aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy", **config)[0]


def test_the_headers_policy_sets_overrides_keeps_and_removes(cloud):
    """understanding-response-headers-policies.html."""
    identifier = policy(
        cloud,
        securityHeadersConfig={
            "contentTypeOptions": {"override": True},
            "strictTransportSecurity": {
                "accessControlMaxAgeSec": 60, "includeSubdomains": True, "preload": True, "override": False,
            },
            "frameOptions": {"frameOption": "DENY", "override": True},
            "contentSecurityPolicy": {"contentSecurityPolicy": "default-src 'self'", "override": True},
            "referrerPolicy": {"referrerPolicy": "no-referrer", "override": True},
        },
        customHeadersConfig={
            "items": [
                {"header": "Permissions-Policy", "value": "camera=()", "override": False},
                {"header": "Content-Language", "value": "en", "override": False},
                {"header": "Cache-Control", "value": "max-age=1", "override": True},
            ]
        },
        removeHeadersConfig={"items": [{"header": "Server"}]},
    )  # fmt: skip
    site = cloud.site(defaultCacheBehavior={"responseHeadersPolicyId": identifier})
    site.put("k", b"x", ContentLanguage="de", CacheControl="max-age=60")
    expected = {
        "X-Content-Type-Options": "nosniff",
        "Strict-Transport-Security": "max-age=60; includeSubDomains; preload",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'self'",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=()",
        "Content-Language": "de",
        "Cache-Control": "max-age=1",
    }
    answer = site.get("/k")
    assert expected.items() <= answer.headers.items()
    assert "AmazonS3" not in answer.headers.get("Server", "")
    assert site.get("/missing").headers["X-Frame-Options"] == "DENY"


COMPRESS = {"compress": True}


@pytest.mark.parametrize(
    ("media_type", "size", "accept", "compressed"),
    [
        ("text/html; charset=utf-8", 1000, "gzip", True),
        ("text/html", 999, "gzip", False),
        ("image/png", 5000, "gzip", False),
        ("image/svg+xml", 5000, "br, gzip;q=0.5", True),
        ("text/css", 5000, "gzip;q=0", False),
        ("text/css", 5000, "identity", False),
        ("text/css", 5000, "*", True),
        ("text/plain", 10_000_001, "gzip", False),
    ],
)
def test_what_is_compressed(cloud, media_type, size, accept, compressed):
    """ServingCompressedFiles.html: types, 1,000 to 10,000,000 bytes, ETag made weak."""
    site = cloud.site(defaultCacheBehavior=COMPRESS)
    body = b"x" * size
    site.put("k", body, ContentType=media_type)
    answer = site.get("/k", Accept_Encoding=accept)
    assert answer.content == body
    assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    assert answer.headers["ETag"].startswith("W/") is compressed


def test_what_is_compressed_already_stays_as_it_is(cloud):
    site = cloud.site(defaultCacheBehavior=COMPRESS)
    site.put("k", gzip.compress(b"x" * 90_000), ContentType="text/css", ContentEncoding="gzip")
    assert site.get("/k", Accept_Encoding="gzip").content == b"x" * 90_000


def test_compressed_and_plain_variants_do_not_mix_in_the_cache(cloud):
    site = cloud.site(defaultCacheBehavior=COMPRESS)
    site.put("k", b"x" * 5000, ContentType="text/css", CacheControl="max-age=60")
    for accept in ("gzip", "identity", "gzip", "identity"):
        answer = site.get("/k", Accept_Encoding=accept)
        assert answer.content == b"x" * 5000
        assert ("Content-Encoding" in answer.headers) is (accept == "gzip")
        assert answer.headers["Vary"] == "Accept-Encoding"


def test_a_compressed_variant_is_revalidated_by_its_weak_tag(cloud):
    site = cloud.site(defaultCacheBehavior=COMPRESS)
    site.put("k", b"x" * 5000, ContentType="text/css")
    etag = site.get("/k", Accept_Encoding="gzip").headers["ETag"]
    again = site.get("/k", Accept_Encoding="gzip", If_None_Match=etag)
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("headers", "status", "content"),
    [
        ({"Range": "bytes=0-3"}, 206, b"0123"),
        ({"Range": "bytes=-2"}, 206, b"89"),
        ({"Range": "bytes=20-"}, 416, None),
        ({"Range": "bytes=0-1,4-5"}, 200, b"0123456789"),
        ({"Range": "bytes=0-3", "If_Range": '"other"'}, 200, b"0123456789"),
        ({"If_None_Match": "*"}, 304, b""),
        ({"If_None_Match": '"other"'}, 200, b"0123456789"),
        ({"If_Match": '"other"'}, 412, None),
        ({"If_Modified_Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 304, b""),
        ({"If_Modified_Since": "Fri, 01 Jan 1999 00:00:00 GMT"}, 200, b"0123456789"),
    ],
)
def test_ranges_and_conditions(cloud, headers, status, content):
    """RangeGETs.html; https://www.rfc-editor.org/rfc/rfc9110#name-conditional-requests."""
    site = cloud.site()
    site.put("k", b"0123456789")
    answer = site.get("/k", **headers)
    assert answer.status_code == status
    assert content is None or answer.content == content


def test_a_head_has_the_headers_of_a_get_and_no_body(cloud):
    site = cloud.site()
    site.put("k", b"0123456789")
    head, get = site.get("/k", "HEAD"), site.get("/k")
    assert (head.status_code, head.content, head.headers["Content-Length"]) == (200, b"", "10")
    same = ("Content-Type", "ETag", "Last-Modified", "Content-Length")
    assert [head.headers[name] for name in same] == [get.headers[name] for name in same]


def test_a_large_file_is_streamed_byte_for_byte(cloud):
    site = cloud.site()
    body = bytes(range(256)) * 40_000
    site.put("large", body, ContentType="application/octet-stream")
    assert site.get("/large").content == body
    assert site.get("/large", Range="bytes=5000000-").content == body[5_000_000:]


def test_only_the_published_stage_of_a_function_runs(cloud):
    site = cloud.site(handler("return {statusCode: 200, body: 'first'};"))
    name = next(name for name, found in cloud.store.all(Function.token).items() if "'first'" in found["code"])
    changed = handler("return {statusCode: 200, body: 'second'};")
    cloud.update(Function.token, name, code=changed, publish=False)
    assert site.get("/").content == b"first"
    cloud.update(Function.token, name, code=changed, publish=True)
    assert site.get("/").content == b"second"


def test_every_answer_names_cloudfront(cloud):
    site = cloud.site()
    site.put("k", b"x")
    headers = site.get("/k").headers
    assert headers["Via"].endswith("(CloudFront)")
    assert headers["X-Amz-Cf-Id"]
    assert headers["X-Amz-Cf-Pop"]


def test_a_path_that_is_no_path_does_not_break_the_server(cloud):
    site = cloud.site(router_code("x/STORE"))
    host, port = cloud.public_url.removeprefix("http://").split(":")
    for target in ("/%", "/%zz", "//", "/..%2f..", "/" + "a" * 3000):
        with socket.create_connection((host, int(port)), timeout=10) as connection:
            head = f"GET {target} HTTP/1.1\r\nHost: {site.distribution['domainName']}\r\nConnection: close\r\n\r\n"
            connection.sendall(head.encode())
            assert connection.recv(64).startswith(b"HTTP/1.1 503")
