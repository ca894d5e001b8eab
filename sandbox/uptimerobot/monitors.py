"""What a monitor may be, on the free plan, and how the API shows it.

https://github.com/uptimerobot/terraform-provider-uptimerobot: ``docs/openapi-public.json`` (fields, limits, what is
required in an answer), ``docs/resources/monitor.md`` (plans), ``internal/client/monitor.go`` (spellings).
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.store import Document

#: Ids of the contacts of the account; the first is the one that every account begins with.
CONTACTS: Mapping[str, Mapping[str, Any]] = {
    "7000001": {"type": "Email", "value": "sandbox@example.com", "friendlyName": "sandbox@example.com"},
    "7000002": {"type": "MobileAppOld", "value": "telephone", "friendlyName": "telephone"},
}
MOST_MONITORS = 50
SHORTEST_INTERVAL = 300
"""Seconds. Of the free plan, as the number of monitors and the zeros of a contact."""


class ApiError(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Contact(_Strict):
    alertContactId: str | int  # noqa: N815 - the API's spelling, here and below
    threshold: Annotated[int, Field(ge=0)]
    recurrence: Annotated[int, Field(ge=0)]


class _Config(_Strict):
    applicationErrorRetries: Annotated[int | None, Field(ge=0, le=3)] = None  # noqa: N815
    ipVersion: Literal["", "ipv4Only", "ipv6Only"] | None = None  # noqa: N815
    sslExpirationPeriodDays: list[Annotated[int, Field(ge=0, le=365)]] | None = None  # noqa: N815


class Settings(_Strict):
    """A monitor as it is asked for. Only types that look by HTTP are known here."""

    friendlyName: Annotated[str, Field(min_length=1, max_length=250)]  # noqa: N815
    url: Annotated[str, Field(pattern=r"^https?://", max_length=10000)]
    type: Literal["HTTP", "KEYWORD"]
    interval: Annotated[int, Field(ge=30, le=2678400)]
    timeout: Annotated[int, Field(ge=0, le=60)] = 30
    gracePeriod: Annotated[int, Field(ge=0, le=86400)] = 0  # noqa: N815
    httpMethodType: Literal["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "HEAD"  # noqa: N815
    keywordType: Literal["ALERT_EXISTS", "ALERT_NOT_EXISTS"] | None = None  # noqa: N815
    keywordCaseType: Literal[0, 1] | None = None  # noqa: N815
    keywordValue: Annotated[str, Field(max_length=500)] | None = None  # noqa: N815
    followRedirections: bool = True  # noqa: N815
    successHttpResponseCodes: list[str] = ["2xx", "3xx"]  # noqa: N815
    checkSSLErrors: bool = False  # noqa: N815
    sslExpirationReminder: bool = False  # noqa: N815
    domainExpirationReminder: bool = False  # noqa: N815
    tagNames: list[str] = []  # noqa: N815
    assignedAlertContacts: list[_Contact] = []  # noqa: N815
    config: _Config | None = None

    @model_validator(mode="after")
    def _whole_keyword(self) -> Settings:
        given = (self.keywordType, self.keywordCaseType, self.keywordValue)
        if self.type == "KEYWORD" and (None in given or not self.keywordValue):
            raise ValueError("keywordType, keywordCaseType and keywordValue are required for KEYWORD monitors")
        return self


def checked(body: Mapping[str, Any]) -> Document:
    """The settings with what is left out; raises ApiError as the free plan does."""
    try:
        found = Settings.model_validate(body, strict=True)
    except ValidationError as error:
        said = [f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg']}" for one in error.errors()]
        raise ApiError(400, "; ".join(said)) from error
    unknown = [
        str(one.alertContactId) for one in found.assignedAlertContacts if str(one.alertContactId) not in CONTACTS
    ]
    if unknown:
        raise ApiError(400, f"assignedAlertContacts: there is no alert contact {', '.join(unknown)}")
    paid = [key for key in ("sslExpirationReminder", "domainExpirationReminder") if getattr(found, key)]
    paid += ["interval"] if found.interval < SHORTEST_INTERVAL else []
    paid += (
        ["assignedAlertContacts"] if any(one.threshold or one.recurrence for one in found.assignedAlertContacts) else []
    )
    if paid:
        raise ApiError(403, f"You are not allowed to use some settings with your current plan: {', '.join(paid)}")
    return found.model_dump()


def shown(identifier: str, settings: Document, status: str) -> Document:
    """A monitor as the API shows it: names escaped for HTML, and what nobody asked for."""
    contacts = [{**one, "alertContactId": str(one["alertContactId"])} for one in settings["assignedAlertContacts"]]
    own = {key: value for key, value in settings.items() if key not in {"tagNames", "created"}}
    return {
        **own,
        "id": int(identifier),
        "friendlyName": html.escape(settings["friendlyName"]),
        "url": html.escape(settings["url"]),
        "assignedAlertContacts": contacts,
        "status": status,
        "tags": [{"id": number, "name": name, "color": "#000"} for number, name in enumerate(settings["tagNames"])],
        "createDateTime": settings["created"],
        "authType": "NONE",
        "customHttpHeaders": None,
        "postValueData": None,
        "postValueType": None,
        "port": None,
        "sslBrand": None,
        "sslExpiryDateTime": None,
        "domainExpireDate": None,
        "maintenanceWindows": [],
        "psps": [],
        "currentStateDuration": 0,
        "lastIncidentId": None,
        "userId": 1,
        "lastDayUptimes": {"bucketSize": 0, "histogram": []},
        "apiKey": None,
    }
