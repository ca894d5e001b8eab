"""Alerts at real servers: each message arrives once, also when the sender is killed before it has the answer.

A Matrix homeserver (Synapse), an SMTP server with TLS, and Mastodon.py reading what was posted.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import hashlib
import hmac
import json
import os
import signal
import sqlite3
import ssl
import sys
from contextlib import asynccontextmanager
from email.policy import default

import aiohttp
import pytest
import trustme
import yaml
from aiohttp import web
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from coordinator.places import ROOT
from sandbox.listeners import bound_socket, port_of
from tests.coordinator.alerts.forms import TOKEN, MastodonTwin, listening
from tests.real.alerting_program import SUBJECT
from tests.real.installing import environment_from_pypi, from_pypi

SYNAPSE, MASTODON_PY = "1.163.2", "2.3.3"
SECRET = "shared-secret-of-the-test"
PASSWORD = "mail-password-PLANTED"


class Checkout:
    """A stack with these alerts, and the program that sends."""

    def __init__(self, folder, **environment):
        self.folder = folder
        self.environment = {**os.environ, "NO_PROXY": "*", "PYTHONPATH": str(ROOT), **environment}

    def write(self, **alerts):
        (self.folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text("utf-8"), "utf-8")
        given = {
            "cloudflareAccountId": "a" * 32,
            "cloudflareZoneId": "b" * 32,
            "coordinator": {"watching": {}, "alerts": alerts},
        }
        config = {f"peacefulrobot-infra:{key}": value for key, value in given.items()}
        (self.folder / "Pulumi.test.yaml").write_text(yaml.safe_dump({"config": config}), "utf-8")

    async def run(self, on_start=lambda pid: None):
        """Run it to its end, or to its violent one; its code and what it logged."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.real.alerting_program", str(self.folder), str(self.folder / "state")),
            cwd=ROOT,
            env=self.environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        on_start(int(await process.stdout.readline()))
        async with asyncio.timeout(120):
            _, errors = await process.communicate()
        return process.returncode, errors.decode()


class Killer:
    """Kills the sender, ``times`` times, when a server has taken a message and not yet answered."""

    def __init__(self, times):
        self.times = times
        self.pid = 0

    def start(self, pid):
        self.pid = pid

    def strike(self):
        if self.times:
            self.times -= 1
            os.kill(self.pid, signal.SIGKILL)


# Matrix


class Homeserver:
    """Synapse with one user in one room."""

    def __init__(self, url, http):
        self.url = url
        self.http = http
        self.token = self.room = ""

    async def call(self, method, path, token=True, **options):
        headers = {"Authorization": f"Bearer {self.token}"} if token else {}
        async with self.http.request(method, self.url + path, headers=headers, **options) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()

    async def settle_in(self):
        nonce = (await self.call("GET", "/_synapse/admin/v1/register", token=False))["nonce"]
        parts = b"\x00".join([nonce.encode(), b"robot", b"password", b"notadmin"])
        mac = hmac.new(SECRET.encode(), parts, hashlib.sha1).hexdigest()
        body = {"nonce": nonce, "username": "robot", "password": "password", "admin": False, "mac": mac}
        self.token = (await self.call("POST", "/_synapse/admin/v1/register", token=False, json=body))["access_token"]
        made = await self.call("POST", "/_matrix/client/v3/createRoom", json={"preset": "private_chat"})
        self.room = made["room_id"]

    async def messages(self):
        from urllib.parse import quote

        path = f"/_matrix/client/v3/rooms/{quote(self.room, safe='')}/messages?dir=f&limit=100"
        return [one["content"] for one in (await self.call("GET", path))["chunk"] if one["type"] == "m.room.message"]


@asynccontextmanager
async def synapse(python, folder):
    with bound_socket(0) as free:
        port = port_of(free)
    log = {"version": 1, "handlers": {"err": {"class": "logging.StreamHandler"}}}
    (folder / "log.yaml").write_text(yaml.safe_dump({**log, "root": {"level": "WARNING", "handlers": ["err"]}}))
    plenty = {"per_second": 1000, "burst_count": 1000}
    config = {
        "server_name": "twin.test",
        "listeners": [
            {
                "bind_addresses": ["127.0.0.1"],
                "port": port,
                "type": "http",
                "tls": False,
                "resources": [{"names": ["client"]}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(folder / "synapse.db")}},
        "log_config": str(folder / "log.yaml"),
        "media_store_path": str(folder / "media"),
        "registration_shared_secret": SECRET,
        "macaroon_secret_key": "macaroon-of-the-test",
        "form_secret": "form-of-the-test",
        "signing_key_path": str(folder / "signing.key"),
        "report_stats": False,
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,
        "rc_message": plenty,
        "rc_registration": plenty,
        "rc_login": {"address": plenty, "account": plenty, "failed_attempts": plenty},
    }
    (folder / "homeserver.yaml").write_text(yaml.safe_dump(config))
    line = [str(python), "-m", "synapse.app.homeserver", "--config-path", "homeserver.yaml"]
    environment = {"PATH": os.environ["PATH"]}
    keys = await asyncio.create_subprocess_exec(*line, "--generate-keys", cwd=folder, env=environment)
    assert await keys.wait() == 0
    process = await asyncio.create_subprocess_exec(*line, cwd=folder, env=environment)
    try:
        async with aiohttp.ClientSession() as http:
            await ready(http, f"http://127.0.0.1:{port}/health", process)
            server = Homeserver(f"http://127.0.0.1:{port}", http)
            await server.settle_in()
            yield server
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def ready(http, url, process):
    async with asyncio.timeout(120):
        while True:
            assert process.returncode is None, "the server ended"
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def python():
    return environment_from_pypi("matrix-synapse", SYNAPSE)


def in_front_of(server, killer):
    """A proxy that strikes when the homeserver has answered, and before the sender knows."""

    async def forward(request):
        headers = {"Authorization": request.headers["Authorization"]}
        url = f"{server.url}{request.raw_path}"
        async with server.http.put(
            aiohttp.client.URL(url, encoded=True), data=await request.read(), headers=headers
        ) as answer:
            body = await answer.read()
        assert answer.status == 200, body
        killer.strike()
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_put("/{path:.*}", forward)
    return app


async def test_a_matrix_room_gets_each_message_once_though_the_sender_is_killed_before_it_knows(python, tmp_path):
    (tmp_path / "synapse").mkdir()
    async with synapse(python, tmp_path / "synapse") as server:
        killer = Killer(times=3)
        async with listening(in_front_of(server, killer)) as url:
            checkout = Checkout(tmp_path, MATRIX=server.token)
            checkout.write(matrix={"homeserver": url, "room": server.room, "token": "env:MATRIX"})
            ends = [(await checkout.run(killer.start))[0] for _ in range(4)]
        assert ends == [-signal.SIGKILL] * 3 + [0]
        first, second = await server.messages()
        assert first["body"] == f"{SUBJECT}\n\nanswers 503\n@room & others"
        assert first["formatted_body"] == (
            "<strong>&lt;b&gt;aws&lt;/b&gt; of @admin is not well #down</strong><br>answers 503<br>@room &amp; others"
        )
        assert (first["msgtype"], first["m.mentions"]) == ("m.notice", {})
        assert second["body"] == "aws is well again"


# Mail


class Inbox:
    def __init__(self, killer):
        self.killer = killer
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(email.message_from_bytes(envelope.content, policy=default))
        self.killer.strike()
        return "250 OK"


@asynccontextmanager
async def mail_server(inbox, folder):
    """STARTTLS is required, and then the password; only who trusts ``ca.pem`` can speak to it."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))

    def authenticate(server, session, envelope, mechanism, data):
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    with bound_socket(0) as free:
        port = port_of(free)
    how = {"tls_context": context, "require_starttls": True, "authenticator": authenticate, "auth_required": True}
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


@pytest.mark.parametrize("kills", [0, 1])
async def test_a_mail_arrives_once_and_one_time_more_for_a_kill_before_the_answer(tmp_path, kills):
    killer = Killer(kills)
    inbox = Inbox(killer)
    async with mail_server(inbox, tmp_path) as port:
        checkout = Checkout(tmp_path, MAIL=PASSWORD, SSL_CERT_FILE=str(tmp_path / "ca.pem"))
        own = {"host": "localhost", "port": port, "sender": "robot@example.org", "recipients": ["ops@example.org"]}
        checkout.write(mail={**own, "user": "robot", "password": "env:MAIL"})
        ends = [(await checkout.run(killer.start))[0] for _ in range(kills + 1)]
    assert ends == [-signal.SIGKILL] * kills + [0]
    assert [mail["Subject"] for mail in inbox.mails] == [SUBJECT] * (kills + 1) + ["aws is well again"]
    assert len({mail["Message-ID"] for mail in inbox.mails}) == 2, "a repetition has the same Message-ID"
    assert inbox.mails[-1]["References"] == inbox.mails[0]["Message-ID"]
    assert inbox.mails[0]["Auto-Submitted"] == "auto-generated"


async def test_a_mail_server_that_is_not_trusted_gets_no_password_and_no_mail(tmp_path):
    inbox = Inbox(Killer(0))
    async with mail_server(inbox, tmp_path) as port:
        checkout = Checkout(tmp_path, MAIL=PASSWORD)
        own = {"host": "localhost", "port": port, "sender": "robot@example.org", "recipients": ["ops@example.org"]}
        checkout.write(mail={**own, "user": "robot", "password": "env:MAIL"})
        killer = Killer(1)
        running = asyncio.create_task(checkout.run(killer.start))
        await refused(tmp_path / "state/test.alerts.sqlite")
        killer.strike()
        _, log = await running
    assert inbox.mails == []
    assert "certificate is not trusted" in log
    assert "PLANTED" not in log


async def refused(path):
    """Wait until the outbox has written down why a channel took nothing."""
    async with asyncio.timeout(120):
        while True:
            with contextlib.suppress(sqlite3.Error), sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
                if database.execute("SELECT 1 FROM alert WHERE reason != ''").fetchone():
                    return
            await asyncio.sleep(0.1)


# Mastodon

READ = """
import json, sys
from mastodon import Mastodon
api = Mastodon(access_token=sys.argv[2], api_base_url=sys.argv[1], version_check_mode="none")
me = api.account_verify_credentials()
keys = ("content", "visibility", "language", "mentions", "tags")
print(json.dumps([{key: one[key] for key in keys} for one in api.account_statuses(me["id"])], default=str))
"""


async def test_mastodon_py_reads_what_was_posted_once_without_mentions_or_tags(tmp_path):
    library, twin = from_pypi("Mastodon.py", MASTODON_PY, "mastodon/__init__.py"), MastodonTwin()
    async with listening(twin.app()) as url:
        killer = Killer(times=2)
        twin.posted = killer.strike
        checkout = Checkout(tmp_path, MASTODON=TOKEN)
        checkout.write(mastodon={"instance": url, "token": "env:MASTODON"})
        ends = [(await checkout.run(killer.start))[0] for _ in range(3)]
        assert ends == [-signal.SIGKILL] * 2 + [0]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", READ, url, TOKEN),
            env={**os.environ, "PYTHONPATH": str(library), "NO_PROXY": "*"},
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
    common = {"language": "en", "mentions": [], "tags": []}
    assert json.loads(out) == [
        {"content": "<p>aws is well again</p>", "visibility": "unlisted", **common},
        {
            "content": "<p>&lt;b&gt;aws&lt;/b&gt; of @\u200badmin is not well #\u200bdown</p>",
            "visibility": "public",
            **common,
        },
    ]
