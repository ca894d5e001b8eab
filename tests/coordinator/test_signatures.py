from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from coordinator.signatures import Forged, GitHubSecret, GitLabSigning, GitLabToken, WeakSecret, strong

SECRET = "a-secret-of-more-than-24-characters"
KEY = "whsec_" + base64.b64encode(b"another secret of 32 bytes, here").decode()
BODY = b'{"ref": "refs/heads/main"}'


def signed(body=BODY, secret=SECRET):
    return b"sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()


def of_gitlab(body=BODY, moved=timedelta(), key=KEY):
    at = datetime.now(UTC) + moved
    signature = Webhook(key).sign("msg_1", at, body.decode())
    return [
        (b"webhook-id", b"msg_1"),
        (b"webhook-timestamp", str(int(at.timestamp())).encode()),
        (b"webhook-signature", signature.encode()),
    ]


def test_a_body_signed_with_the_secret_is_accepted():
    GitHubSecret(SECRET).check([(b"x-hub-signature-256", signed())], BODY)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"x-hub-signature-256", b"")],
        [(b"x-hub-signature-256", signed(secret="x" * 30))],
        [(b"x-hub-signature-256", signed(BODY + b" "))],
        [(b"x-hub-signature-256", signed().removeprefix(b"sha256="))],
        [(b"x-hub-signature-256", b"sha1=" + hmac.new(SECRET.encode(), BODY, "sha1").hexdigest().encode())],
        [(b"x-hub-signature", signed())],
        [(b"x-hub-signature-256", "sha256=é".encode())],
        [(b"x-hub-signature-256", b"\xff\xfe")],
        [(b"x-hub-signature-256", signed()), (b"x-hub-signature-256", signed())],
    ],
)
def test_anything_else_is_refused_without_a_value_in_the_text(headers):
    with pytest.raises(Forged) as refused:
        GitHubSecret(SECRET).check(headers, BODY)
    assert SECRET not in str(refused.value)
    assert all(value.decode("latin-1") not in str(refused.value) for _, value in headers if value)


def test_gitlabs_token_is_compared_as_bytes():
    GitLabToken(SECRET).check([(b"x-gitlab-token", SECRET.encode())], BODY)
    for wrong in (b"", b"\xff", SECRET[:-1].encode()):
        with pytest.raises(Forged):
            GitLabToken(SECRET).check([(b"x-gitlab-token", wrong)], BODY)


def test_a_standard_webhooks_signature_is_accepted_also_among_older_ones():
    GitLabSigning(KEY).check(of_gitlab(), BODY)
    both = of_gitlab()
    both[2] = (b"webhook-signature", b"v1,AAAA " + both[2][1])
    GitLabSigning(KEY).check(both, BODY)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_time_that_is_far_off_is_refused(minutes):
    with pytest.raises(Forged):
        GitLabSigning(KEY).check(of_gitlab(moved=timedelta(minutes=minutes)), BODY)


def test_the_token_alone_does_not_pass_where_signing_is_configured():
    with pytest.raises(Forged):
        GitLabSigning(KEY).check([(b"x-gitlab-token", SECRET.encode())], BODY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook-signature", b"v1"),
        ("webhook-signature", b"v1,a,b"),
        ("webhook-signature", b"v1,\xff\xff"),
        ("webhook-signature", b"v1,not base64!"),
        ("webhook-timestamp", b"1700000000.9"),
        ("webhook-timestamp", b"soon"),
        ("webhook-id", b"other"),
    ],
)
def test_malformed_signatures_are_refused_and_raise_nothing_else(name, value):
    headers = [(key, value if key == name.encode() else old) for key, old in of_gitlab()]
    with pytest.raises(Forged):
        GitLabSigning(KEY).check(headers, BODY)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"x-hub-signature-256", b"webhook-id", b"webhook-timestamp", b"webhook-signature"]),
            st.binary(max_size=80),
        ),
        max_size=5,
    ),
    st.binary(max_size=200),
)
def test_whatever_is_sent_is_refused_in_one_way(headers, body):
    for proof in (GitHubSecret(SECRET), GitLabSigning(KEY), GitLabToken(SECRET)):
        with pytest.raises(Forged):
            proof.check(headers, body)


@pytest.mark.parametrize("secret", ["", "short", "x" * 23])
def test_a_weak_secret_is_refused_by_name(secret):
    with pytest.raises(WeakSecret, match="GITHUB_WEBHOOK_SECRET") as refused:
        strong("GITHUB_WEBHOOK_SECRET", secret)
    assert not secret or secret not in str(refused.value)
