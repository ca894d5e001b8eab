"""Merge requests and their notes: https://docs.gitlab.com/api/merge_requests/, https://docs.gitlab.com/api/notes/."""

from __future__ import annotations

from aiohttp import web

from sandbox.platforms.gitlab.account import MERGE_REQUESTS, NOTES, USER
from sandbox.platforms.gitlab.answers import Handler, body_of, json_answer, page, project_of
from sandbox.platforms.gitlab.delivery_resources import next_number
from sandbox.platforms.gitlab.pipelines import iso
from sandbox.platforms.gitlab.projects import ApiError, Projects
from sandbox.store import Document

#: https://docs.gitlab.com/administration/instance_limits/ (size of comments)
_LONGEST_NOTE = 1_000_000


class MergeRequests:
    """Routes below ``/api/v4``."""

    def __init__(self, projects: Projects) -> None:
        self._projects = projects
        self._store = projects.store

    def routes(self) -> list[tuple[str, str, Handler]]:
        """Method, path and handler."""
        path = "/projects/{id}/merge_requests"
        return [
            ("GET", path, self._list_merge_requests),
            ("POST", path, self._make_merge_request),
            ("GET", f"{path}/{{number}}", self._show_merge_request),
            ("GET", f"{path}/{{number}}/notes", self._list_notes),
            ("POST", f"{path}/{{number}}/notes", self._make_note),
            ("PUT", f"{path}/{{number}}/notes/{{note}}", self._change_note),
        ]

    def _of(self, kind: str, project: Document) -> list[Document]:
        return [found for found in self._store.all(kind).values() if found["project_id"] == project["id"]]

    async def _list_merge_requests(self, request: web.Request) -> web.Response:
        return page(request, self._of(MERGE_REQUESTS, project_of(self._projects, request)))

    async def _make_merge_request(self, request: web.Request) -> web.Response:
        project, given = project_of(self._projects, request), await body_of(request)
        missing = [key for key in ("source_branch", "target_branch", "title") if not given.get(key)]
        if missing:
            raise ApiError(400, {"error": ", ".join(f"{key} is missing" for key in missing)})
        branches = await self._projects.repositories.branches(project["id"])
        if given["source_branch"] not in branches or given["target_branch"] not in branches:
            raise ApiError(400, {"message": {"source_branch": ["does not exist"]}})
        number = len(self._of(MERGE_REQUESTS, project)) + 1
        document = {
            **{key: given[key] for key in ("source_branch", "target_branch", "title")},
            "id": next_number(self._store),
            "iid": number,
            "project_id": project["id"],
            "state": "opened",
        }
        self._store.put(MERGE_REQUESTS, f"{project['id']}:{number}", document)
        return json_answer(document, 201)

    def _merge_request(self, request: web.Request) -> Document:
        key = f"{project_of(self._projects, request)['id']}:{request.match_info['number']}"
        found = self._store.get(MERGE_REQUESTS, key)
        if found is None:
            raise ApiError(404, {"message": "404 Not found"})
        return found

    async def _show_merge_request(self, request: web.Request) -> web.Response:
        return json_answer(self._merge_request(request))

    async def _list_notes(self, request: web.Request) -> web.Response:
        number = self._merge_request(request)["id"]
        notes = [note for note in self._store.all(NOTES).values() if note["noteable_id"] == number]
        return page(request, sorted(notes, key=lambda note: -int(note["id"])))

    async def _make_note(self, request: web.Request) -> web.Response:
        merge_request, text = self._merge_request(request), _note(await body_of(request))
        number = next_number(self._store)
        note = {
            "id": number,
            "body": text,
            "author": USER,
            "noteable_type": "MergeRequest",
            "noteable_id": merge_request["id"],
            "created_at": iso(),
            "updated_at": iso(),
        }
        self._store.put(NOTES, str(number), note)
        return json_answer(note, 201)

    async def _change_note(self, request: web.Request) -> web.Response:
        merge_request, note = self._merge_request(request), self._store.get(NOTES, request.match_info["note"])
        if note is None or note["noteable_id"] != merge_request["id"]:
            raise ApiError(404, {"message": "404 Note Not Found"})
        changed = {**note, "body": _note(await body_of(request)), "updated_at": iso()}
        self._store.put(NOTES, str(note["id"]), changed)
        return json_answer(changed)


def _note(given: Document) -> str:
    text = given.get("body")
    if not isinstance(text, str) or not text.strip():
        raise ApiError(400, {"error": "body is missing"})
    if len(text) > _LONGEST_NOTE:
        raise ApiError(400, {"message": {"note": [f"is too long (maximum is {_LONGEST_NOTE} characters)"]}})
    return text
