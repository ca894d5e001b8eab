"""What can go wrong with one HTTP call, at a chosen call of a deployment."""

from __future__ import annotations

from dataclasses import dataclass, field

from aiohttp import web

FAULTS = ("429", "500", "html", "cut", "truncated")


class Killed(BaseException):
    """The publisher's process is gone."""


@dataclass
class Meddler:
    """Counts calls of the publisher, those to the site included; does harm at call number ``at``, from 0."""

    calls: int = 0
    at: int | None = None
    fault: str = ""
    seen: list[str] = field(default_factory=list)

    def arm(self, fault: str, at: int | None) -> None:
        self.calls, self.at, self.fault = 0, at, fault
        self.seen.clear()

    def disarm(self) -> int:
        """No more harm; returns the number of calls since it was armed."""
        self.at = None
        return self.calls

    @property
    def done(self) -> bool:
        """Whether the chosen call was made."""
        return self.at is not None and self.calls > self.at

    async def client(self, request, handler):
        """Middleware of the client: it dies right after an answer."""
        answer = await handler(request)
        number, self.calls = self.calls, self.calls + 1
        self.seen.append(f"{request.method} {request.url.host}{request.url.path}")
        if self.fault == "killed" and number == self.at:
            raise Killed
        return answer

    def of(self, app: web.Application) -> web.Application:
        """The server's application, with faults before or behind it."""
        app.middlewares.append(self.server)
        return app

    @web.middleware
    async def server(self, request, handler):
        azures_own = "sig" in request.query
        if self.fault == "killed" or self.calls != self.at or azures_own:
            return await handler(request)
        self.at = -1  # once; ``done`` then
        if self.fault == "429":
            return web.json_response({"error": {"code": "429"}}, status=429, headers={"Retry-After": "0"})
        if self.fault == "a day":
            return web.json_response({"error": {"code": "429"}}, status=429, headers={"Retry-After": "86400"})
        if self.fault == "500":
            return web.json_response({"error": {"code": "InternalServerError"}}, status=500)
        if self.fault == "html":
            return web.Response(status=503, text="<html>Service Unavailable", content_type="text/html")
        if self.fault == "401":
            return web.json_response({"error": {"code": "InvalidAuthenticationToken"}}, status=401)
        if self.fault == "telling":
            link = (await request.json())["properties"]["appZipUrl"]
            return web.json_response({"error": {"message": f"cannot fetch {link}"}}, status=400)
        answer = await handler(request)
        if self.fault == "cut" or request.method == "HEAD":
            request.transport.abort()
            return answer
        return await truncated(request, answer)


async def truncated(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """The answer's status and headers, and less of the body than they promise."""
    headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
    cut = web.StreamResponse(status=answer.status, headers=headers)
    cut.content_length = 1000
    await cut.prepare(request)
    await cut.write(b"{")
    request.transport.close()
    return cut
