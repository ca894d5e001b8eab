"""Strict local stand-ins for what alerts are sent to, made from the services' documentation."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from html import escape

from aiohttp import web

TOKEN = "tok-PLANTED-0123456789"


@asynccontextmanager
async def listening(app):
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}"
    finally:
        await runner.cleanup()


#: As Mastodon finds them: https://github.com/mastodon/mastodon/blob/main/app/models/account.rb (MENTION_RE) and
#: app/models/tag.rb (HASHTAG_RE), without their exceptions.
MENTION, HASHTAG = re.compile(r"(?<![\w/])@(\w+)(?:@[\w.-]+)?"), re.compile(r"(?<![\w/])[#＃](\w+)")
ACCOUNT = {
    "id": "1",
    "username": "robot",
    "acct": "robot",
    "display_name": "robot",
    "locked": False,
    "bot": True,
    "created_at": "2026-01-01T00:00:00.000Z",
    "note": "",
    "url": "https://social.example/@robot",
    "followers_count": 0,
    "following_count": 0,
    "statuses_count": 0,
    "fields": [],
    "emojis": [],
}


class MastodonTwin:
    """https://docs.joinmastodon.org/methods/statuses/#create, https://docs.joinmastodon.org/entities/Status/"""

    def __init__(self):
        self.statuses = {}
        self.answer = None
        self.posted = lambda: None

    def app(self):
        app = web.Application()
        app.router.add_post("/api/v1/statuses", self.create)
        app.router.add_get("/api/v1/accounts/verify_credentials", self.me)
        app.router.add_get("/api/v1/accounts/1/statuses", self.list)
        return app

    async def me(self, request):
        return web.json_response(ACCOUNT)

    async def list(self, request):
        newest_first = reversed(self.statuses.values())
        return web.json_response([self.shown(status) for status in newest_first])

    async def create(self, request):
        if self.answer is not None:
            return self.answer
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "The access token is invalid"}, status=401)
        form = await request.post()
        if not form.get("status"):
            return web.json_response({"error": "Validation failed: Text can't be blank"}, status=422)
        if len(form["status"]) > 500:
            return web.json_response({"error": "Validation failed: Text character limit of 500 exceeded"}, status=422)
        if form.get("visibility") not in {"public", "unlisted", "private", "direct"}:
            return web.json_response({"error": "Validation failed"}, status=422)
        unknown = set(form) - {"status", "visibility", "language", "sensitive", "spoiler_text", "in_reply_to_id"}
        if unknown:
            return web.json_response({"error": f"unknown: {', '.join(unknown)}"}, status=422)
        key = request.headers.get("Idempotency-Key") or f"none-{len(self.statuses)}"
        status = {"content": form["status"], "visibility": form["visibility"], "language": form.get("language")}
        known = self.statuses.setdefault(key, {"id": str(len(self.statuses) + 1), **status})
        self.posted()
        return web.json_response(self.shown(known))

    def shown(self, status):
        text = status["content"]
        called = [{"id": "9", "username": name, "acct": name, "url": ""} for name in MENTION.findall(text)]
        return {
            **status,
            "content": f"<p>{escape(text, quote=False)}</p>",
            "account": ACCOUNT,
            "mentions": called,
            "emojis": [],
            "tags": [{"name": name, "url": ""} for name in HASHTAG.findall(text)],
            "media_attachments": [],
            "uri": f"https://social.example/s/{status['id']}",
            "created_at": "2026-11-30T00:00:00.000Z",
            "sensitive": False,
            "spoiler_text": "",
            "reblog": None,
            "in_reply_to_id": None,
            "url": None,
            "reblogs_count": 0,
            "favourites_count": 0,
            "replies_count": 0,
            "card": None,
            "poll": None,
        }


class MatrixTwin:
    """https://spec.matrix.org/latest/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid"""

    def __init__(self, room="!room:example.org"):
        self.room = room
        self.events = {}
        self.answer = None

    def app(self):
        app = web.Application()
        app.router.add_put("/_matrix/client/v3/rooms/{room}/send/{kind}/{txn}", self.send)
        return app

    async def send(self, request):
        if self.answer is not None:
            return self.answer
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN", "error": "Invalid access token"}, status=401)
        if request.match_info["room"] != self.room:
            return web.json_response({"errcode": "M_FORBIDDEN", "error": "not in room"}, status=403)
        body = await request.json()
        assert request.match_info["kind"] == "m.room.message"
        self.events.setdefault(request.match_info["txn"], body)
        return web.json_response({"event_id": f"${request.match_info['txn']}"})


class Clock:
    def __init__(self):
        self.now = 1_000_000.0

    def __call__(self):
        return self.now


class Wall:
    """A channel that takes what it is given, unless it was told otherwise."""

    def __init__(self, name="wall"):
        self.name = name
        self.taken = []
        self.messages = []
        self.refusals = []

    async def send(self, message):
        if self.refusals:
            raise self.refusals.pop(0)
        self.taken.append(message.key.rpartition("-")[0])
        self.messages.append(message)


async def sent(outbox, channel):
    """Send until nothing is due; what the last look said."""
    while (wait := await outbox.send_next(channel)) == 0.0:
        pass
    return wait
