"""``publisher:index:UptimeRobotMonitor``: one address that UptimeRobot looks at, and whom it tells.

The word must be there, so the monitor is to alert when it is absent: ``ALERT_NOT_EXISTS``. The vendor's example reads
the other way ("Look for healthy", ``ALERT_EXISTS``); users of the live API found that ``ALERT_EXISTS`` alerts at once
on a page that is well, as its name says and as v2 documents it (``keyword_type`` 1, "exists"). It was not confirmed
from here against the live service: `make verify` names a monitor that calls a serving platform down.
"""

from __future__ import annotations

from typing import Any

from publisher.errors import PlatformRefused, PlatformUnavailable, PublisherError
from publisher.resources.handler import Handler, Request, Values
from publisher.session import Session
from publisher.uptimerobot import KEY_VARIABLE, Monitor, UptimeRobotApi

ALERT_WHEN_ABSENT = "ALERT_NOT_EXISTS"
_CASE_SENSITIVE = 0
"""https://github.com/uptimerobot/terraform-provider-uptimerobot, ``buildCreateRequest``."""
#: What the vendor's API answers, with 404, to a creation that it has made nevertheless (same place,
#: ``recoverMonitorCreatedDespiteError``); its id is then found by name.
_MADE_NEVERTHELESS = 404


class UptimeRobotMonitorHandler(Handler):
    """Inputs: name, url, keyword, interval, timeout (s), contacts, retries. The id is UptimeRobot's.

    ``contacts`` is a list of {id, threshold, recurrence}; ``retries`` may be missing.
    """

    token = "publisher:index:UptimeRobotMonitor"  # noqa: S105 - a type token

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._api: UptimeRobotApi | None = None
        self._previewed: set[str] = set()
        self._limit: int | None = None

    @property
    def api(self) -> UptimeRobotApi:
        """One for all monitors of a run, for they share the account's few requests."""
        if self._api is None:
            self._api = UptimeRobotApi(self.session.http)
        return self._api

    async def create(self, request: Request) -> tuple[str, Values]:
        """Make it, or take the one of this name and address that an earlier, killed run has made."""
        inputs = request.inputs
        if request.preview:
            await self._refuse_a_full_account(inputs)
            return "", inputs
        known = await self.api.named(inputs["name"], inputs["url"])
        if known is not None:
            found = await self.api.update(str(known["id"]), settings(inputs))
        else:
            found = await self._made(inputs)
        return self._checked(inputs, found)

    async def _made(self, inputs: Values) -> Monitor:
        try:
            return await self.api.create(settings(inputs))
        except PublisherError as error:
            lost = isinstance(error, PlatformUnavailable)
            if not lost and not (isinstance(error, PlatformRefused) and error.status == _MADE_NEVERTHELESS):
                raise
            # The answer was lost, or wrong; the monitor may be there all the same.
            found = await self.api.named(inputs["name"], inputs["url"])
            if found is None:
                raise
            return await self.api.update(str(found["id"]), settings(inputs))

    async def update(self, request: Request) -> Values:
        """Change it in place."""
        if request.preview:
            return {**request.outputs, **request.inputs}
        found = await self.api.update(request.id, settings(request.inputs))
        return self._checked(request.inputs, found)[1]

    async def read(self, request: Request) -> Values | None:
        """The monitor as it is, or None when it is gone."""
        found = (await self.api.monitors()).get(request.id)
        if found is None:
            return None
        given = request.inputs or request.outputs
        return {**given, **as_inputs(found, given)}

    def inputs_read(self, request: Request, outputs: Values) -> Values:
        """What would have to be asked for to get what is there; so the next run sets it right."""
        return outputs

    async def delete(self, request: Request) -> None:
        """Delete it with its history."""
        await self.api.delete(request.id)

    def _checked(self, inputs: Values, found: Monitor) -> tuple[str, Values]:
        """Id and outputs; raises PlatformRefused where UptimeRobot has set something else than it was asked for."""
        wanted = settings(inputs)
        wrong = [key for key, value in wanted.items() if key in found and not _same(key, value, found[key])]
        if wrong:
            raise PlatformRefused(
                f"uptimerobot: the monitor {inputs['name']} is there, but not as it was asked for: "
                f"{', '.join(wrong)}. Look at it on the dashboard, correct monitoring.uptimeRobot, and run again."
            )
        return str(found["id"]), inputs

    async def _refuse_a_full_account(self, inputs: Values) -> None:
        """At a preview with a key: say before anything is made that the account has no room for all."""
        self._previewed.add(inputs["name"])
        try:
            known = {one["friendlyName"] for one in (await self.api.monitors()).values()}
            limit = await self._most_monitors()
        except PlatformRefused as refused:
            if refused.status is None:  # no key: pipelines that only preview may have none
                return
            raise
        missing = len(self._previewed - known)
        if limit and len(known) + missing > limit:
            raise PlatformRefused(
                f"uptimerobot: the account of {KEY_VARIABLE} may have {limit} monitors and has {len(known)}; "
                f"{missing} more are wanted. Delete some, take a larger plan, or set "
                "monitoring.uptimeRobot.platforms to false, which watches the public name only."
            )

    async def _most_monitors(self) -> int:
        """Of the account; 0 where it does not say."""
        if self._limit is None:
            self._limit = int((await self.api.user()).get("monitorLimit") or 0)
        return self._limit


def settings(inputs: Values) -> Monitor:
    """A monitor as the API wants it."""
    retries = {"config": {"applicationErrorRetries": int(inputs["retries"])}} if "retries" in inputs else {}
    return {
        "friendlyName": inputs["name"],
        "url": inputs["url"],
        "type": "KEYWORD",
        "interval": int(inputs["interval"]),
        "timeout": int(inputs["timeout"]),
        "httpMethodType": "GET",
        "keywordType": ALERT_WHEN_ABSENT,
        "keywordCaseType": _CASE_SENSITIVE,
        "keywordValue": inputs["keyword"],
        "followRedirections": False,
        "successHttpResponseCodes": ["200"],
        "checkSSLErrors": True,
        "sslExpirationReminder": False,  # paid plans only, as the next
        "domainExpirationReminder": False,
        "tagNames": [],
        "assignedAlertContacts": [
            {"alertContactId": str(one["id"]), "threshold": int(one["threshold"]), "recurrence": int(one["recurrence"])}
            for one in inputs["contacts"]
        ],
        **retries,
    }


def as_inputs(found: Monitor, given: Values) -> Values:
    """Inputs that describe the monitor as it is, in the words of ``given`` where they mean the same.

    A monitor that no setting here could describe, as one that alerts when the word is there, shows as a change of
    ``keyword``.
    """
    read: Values = {
        "name": found["friendlyName"],
        "url": found["url"],
        "keyword": found.get("keywordValue") or "",
        "interval": found["interval"],
        "timeout": found.get("timeout") or 0,
        "contacts": _contacts(found.get("assignedAlertContacts") or []),
    }
    wanted = settings(given)
    checked = ("type", "keywordType", "keywordCaseType", "httpMethodType", "followRedirections", "checkSSLErrors")
    strange = [key for key in (*checked, "successHttpResponseCodes") if not _same(key, wanted[key], found.get(key))]
    if strange:
        read["keyword"] = f"{read['keyword']} (with another {', '.join(strange)})"
    if "retries" in given:
        read["retries"] = (found.get("config") or {}).get("applicationErrorRetries")
    same = {"name", "url", "keyword", "interval", "timeout", "retries"}
    kept = {key: given[key] for key in same & given.keys() if given[key] == read.get(key)}
    if _contacts(given["contacts"]) == read["contacts"]:
        kept["contacts"] = given["contacts"]
    return {**read, **kept}


def _contacts(given: Any) -> list[Values]:
    """In one form and order: the API answers with other words than it takes."""
    found = [
        {
            "id": str(one.get("alertContactId", one.get("id"))),
            "threshold": int(one.get("threshold") or 0),
            "recurrence": int(one.get("recurrence") or 0),
        }
        for one in given
    ]
    return sorted(found, key=lambda one: one["id"])


def _same(key: str, wanted: Any, found: Any) -> bool:
    if key == "assignedAlertContacts":
        return _contacts(wanted) == _contacts(found)
    if key == "config":
        return all((found or {}).get(name) == value for name, value in wanted.items())
    if key == "tagNames":
        return True
    return bool(wanted == found)
