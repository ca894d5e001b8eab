from __future__ import annotations

import email
import json
import re
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.policy import default
from email.utils import format_datetime

import httpx
import pytest
import trustme
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook as Verifier

from coordinator.alerts.answers import require_taken, retry_after
from coordinator.alerts.channels import Message, NotTaken
from coordinator.alerts.mail import Mail
from coordinator.alerts.mastodon import LONGEST, Mastodon, neutral, shortened
from coordinator.alerts.matrix import Matrix, content
from coordinator.alerts.webhook import Webhook, _type
from tests.coordinator.alerts.forms import TOKEN, MastodonTwin, MatrixTwin, listening

OPENED = Message("incident-7-opened", "incident-7-opened", "aws is down", "503 since 03:20", 1_790_000_000.0)
CLOSED = Message("incident-7-closed", "incident-7-opened", "aws is well again", "", 1_790_000_600.0, closes=True)


@pytest.fixture
async def http():
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


# Matrix


async def test_a_notice_sent_twice_is_one_event(http):
    twin = MatrixTwin()
    async with listening(twin.app()) as url:
        channel = Matrix(url, twin.room, TOKEN, http)
        await channel.send(OPENED)
        await channel.send(OPENED)
    assert twin.events == {
        OPENED.key: {
            "msgtype": "m.notice",
            "body": "aws is down\n\n503 since 03:20",
            "format": "org.matrix.custom.html",
            "formatted_body": "<strong>aws is down</strong><br>503 since 03:20",
            "m.mentions": {},
        }
    }


@given(st.text(), st.text())
def test_no_text_becomes_markup_in_a_room(subject, text):
    made = content(Message("key", "key", subject, text, 0.0))["formatted_body"]
    assert set(re.findall(r"<[^>]*>?", made)) <= {"<strong>", "</strong>", "<br>"}
    assert made.count("<strong>") == 1


async def test_a_room_with_a_server_in_its_name_is_found(http):
    twin = MatrixTwin("!a/b:example.org:8448")
    async with listening(twin.app()) as url:
        await Matrix(url, twin.room, TOKEN, http).send(OPENED)
    assert len(twin.events) == 1


async def test_a_homeserver_that_is_busy_says_for_how_long(http):
    twin = MatrixTwin()
    async with listening(twin.app()) as url:
        twin.answer = web.json_response({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 2500}, status=429)
        with pytest.raises(NotTaken) as caught:
            await Matrix(url, twin.room, TOKEN, http).send(OPENED)
    assert (caught.value.again, caught.value.after) == (True, 2.5)


# Mastodon


async def test_a_post_sent_twice_is_one_status(http):
    twin = MastodonTwin()
    async with listening(twin.app()) as url:
        channel = Mastodon(url, TOKEN, http)
        await channel.send(OPENED)
        await channel.send(OPENED)
        await channel.send(CLOSED)
    assert [(one["content"], one["visibility"]) for one in twin.statuses.values()] == [
        ("aws is down", "public"),
        ("aws is well again", "unlisted"),
    ]


async def test_a_post_says_nothing_but_the_subject(http):
    twin = MastodonTwin()
    async with listening(twin.app()) as url:
        await Mastodon(url, TOKEN, http).send(OPENED)
    assert "503" not in json.dumps(twin.statuses)


@pytest.mark.parametrize("text", ["@admin down", "x@example.org", "ask @a@b.social", "#down", "＠admin", "＃down"])
def test_a_post_calls_nobody_and_stands_under_no_tag(text):
    """Mastodon's own patterns, simplified: a sign and a word character behind it.

    https://github.com/mastodon/mastodon/blob/main/app/models/account.rb, MENTION_RE; app/models/tag.rb, HASHTAG_RE
    """
    assert not re.search(r"[@＠#＃]\w", neutral(text))
    assert neutral(text).replace("\u200b", "") == text


@given(st.text())
def test_a_post_is_never_longer_than_an_instance_takes(text):
    assert len(shortened(text)) <= LONGEST
    assert shortened(text) == text or shortened(text).endswith("…")


# Webhook


async def test_a_webhook_is_signed_and_carries_its_key(http):
    seen = []

    async def take(request):
        seen.append((dict(request.headers), await request.text()))
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", take)
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    async with listening(app) as url:
        await Webhook(f"{url}/hook", secret, http).send(CLOSED)
    ((headers, body),) = seen
    said = Verifier(secret).verify(body, {key.lower(): value for key, value in headers.items()})
    assert headers["webhook-id"] == CLOSED.key
    assert said["type"] == "incident.closed"
    assert [_type(replace(CLOSED, kind=kind)) for kind in ("alerting", "heartbeat", "test")] == [
        *("alerting.closed", "heartbeat", "test")
    ]
    assert said["data"] == {"thread": CLOSED.thread, "subject": CLOSED.subject, "text": ""}


# Every channel over HTTP


CHANNELS = {
    "matrix": lambda url, http: Matrix(url, "!room:example.org", TOKEN, http),
    "mastodon": lambda url, http: Mastodon(url, TOKEN, http),
    "webhook": lambda url, http: Webhook(f"{url}/{TOKEN}", "", http),
}


@pytest.mark.parametrize("name", CHANNELS)
@pytest.mark.parametrize(
    ("status", "again"), [(400, False), (413, False), (422, False), (429, True), (500, True), (502, True), (302, True)]
)
async def test_only_a_refusal_of_the_message_is_final(http, name, status, again):
    async def answer(_):
        return web.Response(status=status, text="<html>oh no</html>", headers={"Retry-After": "7"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with listening(app) as url:
        with pytest.raises(NotTaken) as caught:
            await CHANNELS[name](url, http).send(OPENED)
    assert (caught.value.again, caught.value.after) == (again, 7.0)
    assert str(status) in str(caught.value)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_token_that_has_run_out_loses_nothing(status):
    with pytest.raises(NotTaken, match=f"it answered {status}: ") as caught:
        require_taken(status, {}, "it")
    assert (caught.value.again, caught.value.after) == (True, 900.0)


@pytest.mark.parametrize("name", CHANNELS)
async def test_a_server_that_is_not_there_is_tried_again(http, name):
    with pytest.raises(NotTaken) as caught:
        await CHANNELS[name]("http://127.0.0.1:9", http).send(OPENED)
    assert caught.value.again
    assert TOKEN not in str(caught.value) + repr(CHANNELS[name]("http://127.0.0.1:9", http))


@pytest.mark.parametrize(("value", "seconds"), [("7", 7), ("-7", 0), ("1e99", 3600), ("nan", 0), ("soon", 0), ("", 0)])
def test_retry_after_in_numbers(value, seconds):
    assert retry_after(value) == seconds


def test_retry_after_as_a_date():
    assert 50 < retry_after(format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)) <= 60
    assert retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0


@given(st.text())
def test_no_header_makes_the_reader_fail(value):
    with pytest.raises(NotTaken) as caught:
        require_taken(503, {"Retry-After": value}, "it")
    assert 0 <= caught.value.after <= 3600


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_one(status):
    require_taken(status, {}, "it")


# Mail


class Inbox:
    def __init__(self):
        self.mails = []
        self.answer = "250 OK"
        self.refused = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if self.answer.startswith("250"):
            self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        return self.answer


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture(params=["starttls", "tls"])
def mail(request, authority, inbox, unused_tcp_port_factory):
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == b"secret-PLANTED", handled=False)

    implicit = request.param == "tls"
    how = (
        {"ssl_context": server, "auth_require_tls": False}
        if implicit
        else {"tls_context": server, "require_starttls": True}
    )
    port = unused_tcp_port_factory()
    controller = Controller(
        inbox, hostname="127.0.0.1", port=port, authenticator=authenticate, auth_required=True, **how
    )
    controller.start()
    people = ("one@example.org", "two@example.org")
    yield Mail("localhost", port, "robot@example.com", people, "robot", "secret-PLANTED", request.param, client)
    controller.stop()


async def test_mails_of_one_incident_are_one_thread(mail, inbox):
    await mail.send(OPENED)
    await mail.send(CLOSED)
    first, second = inbox.mails
    assert (first["Message-ID"], first["In-Reply-To"]) == ("<incident-7-opened@example.com>", None)
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"]
    assert (first["Subject"], first["To"]) == ("aws is down", "one@example.org, two@example.org")
    assert (first["Auto-Submitted"], first["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert first["Date"].datetime == datetime.fromtimestamp(OPENED.at, UTC)
    assert first.get_content().strip() == "503 since 03:20"


@pytest.mark.parametrize(("answer", "again"), [("451 4.7.1 try later", True), ("552 5.3.4 too big", False)])
async def test_a_mail_server_says_whether_to_try_again(mail, inbox, answer, again):
    inbox.answer = answer
    with pytest.raises(NotTaken, match=f"answered {answer[:3]}") as caught:
        await mail.send(OPENED)
    assert caught.value.again is again


async def test_a_wrong_password_loses_nothing_and_stands_nowhere(mail):
    wrong = Mail(
        mail.host, mail.port, mail.sender, mail.recipients, "robot", "wrong-PLANTED", mail.encryption, mail.context
    )
    with pytest.raises(NotTaken, match="answered 535: it does not accept user and password") as caught:
        await wrong.send(OPENED)
    assert (caught.value.again, caught.value.after) == (True, 900.0)
    assert "PLANTED" not in str(caught.value) + repr(wrong)


async def test_a_certificate_of_nobody_known_is_not_trusted(mail, inbox):
    strict = Mail(mail.host, mail.port, mail.sender, mail.recipients, mail.user, mail.password, mail.encryption)
    with pytest.raises(NotTaken, match="certificate is not trusted"):
        await strict.send(OPENED)
    assert inbox.mails == []


@pytest.mark.parametrize(("codes", "delivered"), [({"two@example.org": "550 no such user"}, True), (None, False)])
async def test_a_recipient_who_is_refused_keeps_it_from_no_other(mail, inbox, caplog, codes, delivered):
    inbox.refused = codes or {"one@example.org": "550 no", "two@example.org": "451 later"}
    if delivered:
        await mail.send(OPENED)
        assert len(inbox.mails) == 1
        assert "refused 1 (550)" in caplog.text
        return
    with pytest.raises(NotTaken, match=r"refused the recipients \(451, 550\)") as caught:
        await mail.send(OPENED)
    assert (caught.value.again, caught.value.after) == (True, 900.0)


@given(st.text(max_size=200))
def test_no_subject_can_add_a_header(subject):
    made = Mail("h", 25, "robot@example.com", ("one@example.org",)).composed(
        Message("key", "key", subject, "text", 0.0)
    )
    assert set(made.keys()) <= {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Content-Type", "MIME-Version"),
        *("Content-Transfer-Encoding", "X-Auto-Response-Suppress"),
    }
    assert email.message_from_bytes(made.as_bytes(), policy=default)["Bcc"] is None
