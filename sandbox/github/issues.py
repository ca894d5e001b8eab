"""Pull requests and their comments: https://docs.github.com/en/rest/pulls/pulls, /rest/issues/comments."""

from __future__ import annotations

from aiohttp import web

from sandbox.github.account import COMMENTS, ISSUES, OWNER
from sandbox.github.answers import REPOSITORY, Route, address, answer, body_of, nothing, number_of, page, repository_of
from sandbox.github.repositories import ApiError, GitHub, now
from sandbox.store import Document

#: Not in the documentation; GitHub's own message says it.
_LONGEST = 65_536


class Issues:
    """Routes below ``/api/v3``."""

    def __init__(self, forge: GitHub) -> None:
        self._forge = forge
        self._store = forge.store

    def routes(self) -> list[Route]:
        """What there is."""
        comment = f"{REPOSITORY}/issues/comments/{{comment}}"
        return [
            ("POST", f"{REPOSITORY}/pulls", self._make_pull),
            ("GET", f"{REPOSITORY}/pulls/{{number}}", self._show_pull),
            ("GET", f"{REPOSITORY}/issues/{{number}}/comments", self._list),
            ("POST", f"{REPOSITORY}/issues/{{number}}/comments", self._make),
            ("GET", comment, self._show),
            ("PATCH", comment, self._change),
            ("DELETE", comment, self._delete),
        ]

    async def _make_pull(self, request: web.Request) -> web.Response:
        repository, given = repository_of(self._forge, request), await body_of(request)
        branches = await self._forge.git.branches(repository["id"])
        for field in ("head", "base"):
            if given.get(field) not in branches:
                said = {"resource": "PullRequest", "field": field, "code": "invalid"}
                raise ApiError(422, "Validation Failed", said)
        if branches[given["head"]] == branches[given["base"]]:
            said = {"resource": "PullRequest", "code": "custom", "message": "No commits between the two"}
            raise ApiError(422, "Validation Failed", said)
        number = sum(one["repository"] == repository["id"] for one in self._store.all(ISSUES).values()) + 1
        document = {
            "id": self._forge.next_number(),
            "number": number,
            "repository": repository["id"],
            "state": "open",
            "title": given.get("title") or "",
            "user": OWNER,
            "created_at": now(),
            "head": {"ref": given["head"], "sha": branches[given["head"]], "repo": repository},
            "base": {"ref": given["base"], "sha": branches[given["base"]], "repo": repository},
        }
        self._store.put(ISSUES, f"{repository['id']}:{number}", document)
        return answer({**document, "url": address(request, f"/pulls/{number}")}, 201)

    def _issue(self, request: web.Request) -> Document:
        repository = repository_of(self._forge, request)
        found = self._store.get(ISSUES, f"{repository['id']}:{number_of(request, 'number')}")
        if found is None:
            raise ApiError(404, "Not Found")
        return found

    async def _show_pull(self, request: web.Request) -> web.Response:
        return answer(self._issue(request))

    async def _list(self, request: web.Request) -> web.Response:
        issue = self._issue(request)["id"]
        found = [one for one in self._store.all(COMMENTS).values() if one["issue"] == issue]
        return page(request, sorted(found, key=lambda one: int(one["id"])))

    async def _make(self, request: web.Request) -> web.Response:
        issue, text = self._issue(request), _text(await body_of(request))
        number = self._forge.next_number()
        document = {
            "id": number,
            "issue": issue["id"],
            "repository": issue["repository"],
            "body": text,
            "user": OWNER,
            "created_at": now(),
            "updated_at": now(),
        }
        self._store.put(COMMENTS, str(number), document)
        return answer(document, 201)

    def _comment(self, request: web.Request) -> Document:
        found = self._store.get(COMMENTS, str(number_of(request, "comment")))
        if found is None or found["repository"] != repository_of(self._forge, request)["id"]:
            raise ApiError(404, "Not Found")
        return found

    async def _show(self, request: web.Request) -> web.Response:
        return answer(self._comment(request))

    async def _change(self, request: web.Request) -> web.Response:
        changed = {**self._comment(request), "body": _text(await body_of(request)), "updated_at": now()}
        self._store.put(COMMENTS, str(changed["id"]), changed)
        return answer(changed)

    async def _delete(self, request: web.Request) -> web.Response:
        self._store.delete(COMMENTS, str(self._comment(request)["id"]))
        return nothing()


def _text(given: Document) -> str:
    text = given.get("body")
    if not isinstance(text, str) or not text:
        raise ApiError(422, 'Invalid request.\n\n"body" wasn\'t supplied.')
    if len(text) > _LONGEST:
        said = {"resource": "IssueComment", "code": "unprocessable", "field": "data"}
        raise ApiError(
            422, "Validation Failed", {**said, "message": f"Body is too long (maximum is {_LONGEST} characters)"}
        )
    return text
