"""Strict local stand-ins for what alerts are sent to, made from the services' documentation."""

from __future__ import annotations

from contextlib import asynccontextmanager

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


class MastodonTwin:
    """https://docs.joinmastodon.org/methods/statuses/#create"""

    def __init__(self):
        self.statuses = {}
        self.answer = None

    def app(self):
        app = web.Application()
        app.router.add_post("/api/v1/statuses", self.create)
        return app

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
        key = request.headers.get("Idempotency-Key") or f"none-{len(self.statuses)}"
        status = {"content": form["status"], "visibility": form["visibility"], "language": form.get("language")}
        known = self.statuses.setdefault(key, {"id": str(len(self.statuses) + 1), **status})
        return web.json_response(known)


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
