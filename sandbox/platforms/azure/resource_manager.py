"""Azure Resource Manager over HTTP: the calls for static sites, with the checks of the real one.

https://learn.microsoft.com/rest/api/appservice/static-sites. Long operations, versions and limits:
https://learn.microsoft.com/azure/azure-resource-manager/management/async-operations,
https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from sandbox.platforms.azure.account import MANAGEMENT_NAME, OPERATION, RESOURCE_GROUP, STATIC_SITE, SUBSCRIPTION
from sandbox.platforms.azure.deployments import Deployments
from sandbox.platforms.azure.entra import Entra, TokenRefused
from sandbox.store import Document
from sandbox.world import Clock

AUDIENCE = "https://management.azure.com"
#: Versions that the service has for this type, as pulumi-azure-native 3.29.0 lists them.
VERSIONS = (
    *("2019-08-01", "2020-06-01", "2020-09-01", "2020-10-01", "2020-12-01", "2021-01-01", "2021-01-15", "2021-02-01"),
    *("2021-03-01", "2022-03-01", "2022-09-01", "2023-01-01", "2023-12-01", "2024-04-01", "2024-11-01", "2025-03-01"),
    *("2025-05-01", "2026-03-01-preview", "2026-03-15", "2026-07-15"),
)
_SITES = r"/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/microsoft\.web/staticsites"
_SITE = rf"{_SITES}/(?P<name>[^/]+)"
#: A bucket's size and what flows back in a second, for reads and for writes.
_BUCKETS = {"reads": (250.0, 25.0), "writes": (200.0, 10.0)}
_POLL_SECONDS = 15.0
"""Sandbox seconds between two looks at an operation, as clients are told."""
Handler = Callable[[web.Request, dict[str, str]], Awaitable[web.Response]]


class ArmError(Exception):
    """An answer that is none of success."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}


class ResourceManager:
    """One subscription."""

    def __init__(self, deployments: Deployments, entra: Entra, clock: Clock) -> None:
        self._deployments = deployments
        self._store = deployments.store
        self._entra = entra
        self._clock = clock
        self._buckets = {kind: (size, clock.monotonic()) for kind, (size, _) in _BUCKETS.items()}
        everywhere = r"/subscriptions/(?P<subscription>[^/]+)/providers/microsoft\.web/staticsites"
        operation = r"/subscriptions/(?P<subscription>[^/]+)/providers/microsoft\.web/locations/[^/]+/"
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = [
            ("GET", re.compile(_SITE), self._show),
            ("GET", re.compile(_SITES), self._list),
            ("GET", re.compile(everywhere), self._list),
            ("GET", re.compile(f"{_SITE}/builds"), self._builds),
            ("GET", re.compile(f"{_SITE}/builds/(?P<environment>[^/]+)"), self._build),
            ("POST", re.compile(f"{_SITE}/zipdeploy"), self._deploy),
            ("POST", re.compile(f"{_SITE}/builds/[^/]+/zipdeploy"), self._not_implemented),
            ("POST", re.compile(f"{_SITE}/listsecrets"), self._secrets),
            ("GET", re.compile(f"{operation}operationstatuses/(?P<operation>[^/]+)"), self._status),
            ("GET", re.compile(f"{operation}operationresults/(?P<operation>[^/]+)"), self._result),
        ]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Requests to management.azure.com."""
        try:
            response = await self._checked(request)
        except ArmError as error:
            body = {"error": {"code": error.code, "message": str(error)}}
            response = web.json_response(body, status=error.status, headers=error.headers)
        identifier = secrets.token_hex(16)
        response.headers.update({"x-ms-request-id": identifier, "x-ms-correlation-request-id": identifier})
        return response

    async def _checked(self, request: web.Request) -> web.Response:
        try:
            self._entra.check(request.headers.get("Authorization"), AUDIENCE)
        except TokenRefused as error:
            code = "AuthenticationFailed" if "Authorization" not in request.headers else "InvalidAuthenticationToken"
            challenge = f'Bearer authorization_uri="https://login.microsoftonline.com/", error_description="{error}"'
            raise ArmError(401, code, str(error), {"WWW-Authenticate": challenge}) from None
        left = self._taken("reads" if request.method == "GET" else "writes")
        version = request.query.get("api-version")
        if not version:
            raise ArmError(
                400,
                "MissingApiVersionParameter",
                "The api-version query parameter (?api-version=) is required for all requests.",
            )
        path = request.path.rstrip("/").lower()
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(path)
            if match and method == request.method:
                self._check_version(version)
                self._check_subscription(match["subscription"])
                response = await handler(request, match.groupdict())
                response.headers.update(left)
                return response
        raise ArmError(
            404, "InvalidResourceType", "The resource type could not be found in the namespace for the api version."
        )

    def _taken(self, kind: str) -> dict[str, str]:
        size, flow = _BUCKETS[kind]
        left, since = self._buckets[kind]
        now = self._clock.monotonic()
        left = min(size, left + (now - since) * flow)
        if left < 1:
            self._buckets[kind] = (left, now)
            wait = max(1, round(self._clock.real((1 - left) / flow) + 0.5))
            raise ArmError(429, "TooManyRequests", "The request is being throttled.", {"Retry-After": str(wait)})
        self._buckets[kind] = (left - 1, now)
        return {f"x-ms-ratelimit-remaining-subscription-{kind}": str(int(left - 1))}

    def _check_version(self, version: str) -> None:
        if version not in VERSIONS:
            raise ArmError(
                400,
                "NoRegisteredProviderFound",
                f"No registered resource provider found for API version '{version[:40]}' for type 'staticSites'. The "
                f"supported api-versions are '{', '.join(VERSIONS)}'.",
            )

    def _check_subscription(self, subscription: str) -> None:
        if subscription != SUBSCRIPTION:
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription[:40]}' could not be found.")

    def _site(self, found: dict[str, str]) -> tuple[str, Document]:
        """A site by group and name, whatever their case."""
        groups = self._store.all(RESOURCE_GROUP).values()
        if not any(group["name"].lower() == found["group"] for group in groups):
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{found['group']}' could not be found.")
        for identifier, site in self._store.all(STATIC_SITE).items():
            if (site["resourceGroupName"].lower(), site["name"].lower()) == (found["group"], found["name"]):
                return identifier, site
        raise ArmError(
            404,
            "ResourceNotFound",
            f"The Resource 'Microsoft.Web/staticSites/{found['name']}' under resource group '{found['group']}' was not "
            "found.",
        )

    async def _show(self, _: web.Request, found: dict[str, str]) -> web.Response:
        return web.json_response(_site_view(*self._site(found)))

    async def _list(self, _: web.Request, found: dict[str, str]) -> web.Response:
        sites = [
            _site_view(identifier, site)
            for identifier, site in self._store.all(STATIC_SITE).items()
            if site["resourceGroupName"].lower() == found.get("group", site["resourceGroupName"].lower())
        ]
        return web.json_response({"value": sites, "nextLink": None})

    async def _builds(self, _: web.Request, found: dict[str, str]) -> web.Response:
        identifier, site = self._site(found)
        return web.json_response({"value": [self._build_view(identifier, site)], "nextLink": None})

    async def _build(self, _: web.Request, found: dict[str, str]) -> web.Response:
        identifier, site = self._site(found)
        if found["environment"] != "default":
            raise ArmError(404, "NotFound", f"Cannot find the environment {found['environment'][:40]}.")
        return web.json_response(self._build_view(identifier, site))

    async def _secrets(self, _: web.Request, found: dict[str, str]) -> web.Response:
        identifier, site = self._site(found)
        properties = {"apiKey": hashlib.sha512(f"{identifier} {site['defaultHostname']}".encode()).hexdigest()}
        return web.json_response({"id": f"{identifier}/listSecrets", "properties": properties})

    async def _deploy(self, request: web.Request, found: dict[str, str]) -> web.Response:
        identifier, site = self._site(found)
        properties = await _properties(request)
        link = properties.get("appZipUrl")
        if not isinstance(link, str) or urlsplit(link).scheme != "https":
            raise ArmError(400, "BadRequest", "The parameter appZipUrl must be an https URL.")
        if self._deployments.build(identifier)["status"] in {"Uploading", "Deploying"}:
            raise ArmError(409, "Conflict", "Another deployment of this environment is under way.")
        title, provider = (str(properties.get(key) or "") for key in ("deploymentTitle", "provider"))
        operation = self._deployments.request(identifier, link, title, provider)
        base = f"https://{MANAGEMENT_NAME}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Web/locations/{site['location']}"
        version = request.query["api-version"]
        headers = {
            "Azure-AsyncOperation": f"{base}/operationStatuses/{operation}?api-version={version}",
            "Location": f"{base}/operationResults/{operation}?api-version={version}",
            "Retry-After": self._pause(),
        }
        return web.Response(status=202, headers=headers)

    async def _not_implemented(self, _: web.Request, found: dict[str, str]) -> web.Response:
        """https://github.com/Azure/azure-rest-api-specs/issues/22267."""
        self._site(found)
        text = "The requested method is not implemented."
        entity = {
            "ExtendedCode": "51009",
            "MessageTemplate": text,
            "Parameters": [],
            "Code": "NotImplemented",
            "Message": text,
        }
        details = [{"Message": text}, {"Code": "NotImplemented"}, {"ErrorEntity": entity}]
        body = {"Code": "NotImplemented", "Message": text, "Target": None, "Details": details, "Innererror": None}
        return web.json_response(body, status=501)

    def _operation(self, identifier: str) -> Document:
        operation = self._store.get(OPERATION, identifier)
        if operation is None:
            raise ArmError(404, "OperationNotFound", f"The operation {identifier[:40]} was not found.")
        return operation

    async def _status(self, request: web.Request, found: dict[str, str]) -> web.Response:
        operation = self._operation(found["operation"])
        body: dict[str, Any] = {
            "id": request.path,
            "name": found["operation"],
            "status": operation["status"],
            "startTime": operation["started"],
        }
        if operation["status"] == "InProgress":
            return web.json_response(body, headers={"Retry-After": self._pause()})
        body["endTime"] = operation["ended"]
        if operation["status"] == "Failed":
            body["error"] = {"code": "BadRequest", "message": operation["reason"]}
        return web.json_response(body)

    async def _result(self, request: web.Request, found: dict[str, str]) -> web.Response:
        operation = self._operation(found["operation"])
        if operation["status"] == "InProgress":
            headers = {"Retry-After": self._pause(), "Location": f"https://{MANAGEMENT_NAME}{request.raw_path}"}
            return web.Response(status=202, headers=headers)
        if operation["status"] == "Failed":
            raise ArmError(400, "BadRequest", operation["reason"])
        return web.Response(status=200)

    def _pause(self) -> str:
        """Whole seconds of the client's clock."""
        return str(int(self._clock.real(_POLL_SECONDS)))

    def _build_view(self, identifier: str, site: Document) -> dict[str, Any]:
        build = self._deployments.build(identifier)
        properties = {
            "buildId": "default",
            "sourceBranch": None,
            "pullRequestTitle": None,
            "hostname": site["defaultHostname"],
            "createdTimeUtc": build["created"],
            "lastUpdatedOn": build["updated"],
            "status": build["status"],
        }
        return {
            "id": f"{identifier}/builds/default",
            "name": "default",
            "type": "Microsoft.Web/staticSites/builds",
            "properties": properties,
        }


def _site_view(identifier: str, site: Document) -> dict[str, Any]:
    properties = {
        "defaultHostname": site["defaultHostname"],
        "contentDistributionEndpoint": site["contentDistributionEndpoint"],
        "provider": site.get("provider") or "None",
        "stagingEnvironmentPolicy": site.get("stagingEnvironmentPolicy", "Enabled"),
        "allowConfigFileUpdates": site.get("allowConfigFileUpdates", True),
        "enterpriseGradeCdnStatus": "Disabled",
        "customDomains": [],
        "repositoryUrl": None,
        "branch": None,
    }
    return {
        "id": identifier,
        "name": site["name"],
        "type": "Microsoft.Web/staticSites",
        "location": site["location"],
        "tags": site.get("tags") or {},
        "sku": site["sku"],
        "properties": properties,
    }


async def _properties(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
        properties = body["properties"]
    except (ValueError, KeyError, TypeError):
        raise ArmError(
            400, "InvalidRequestContent", "The request content was invalid and could not be deserialized."
        ) from None
    if not isinstance(properties, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content was invalid: 'properties' must be an object.")
    return properties
