"""The Pulumi resource types of the package ``cloudflare`` (6.23.1) that the sandbox stands in for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sandbox.cloudflare.account import ACCOUNT_ID, ZONE_ID, Account
from sandbox.cloudflare.errors import ApiError
from sandbox.cloudflare.objects import (
    DnsRecordKind,
    Kind,
    LoadBalancerKind,
    MonitorKind,
    NotificationKind,
    PoolKind,
    RulesetKind,
    ZoneSettingKind,
)
from sandbox.cloudflare.wire import to_api, to_provider
from sandbox.provider.resource_type import Inputs, Outputs, Refused, ResourceType
from sandbox.store import Document

#: Lists that the provider names in the plural and the API does not.
_SINGULAR = {
    "emails": "email",
    "enableds": "enabled",
    "event_sources": "event_source",
    "new_healths": "new_health",
    "pagerduties": "pagerduty",
    "pool_ids": "pool_id",
}
_SCOPES = {"accountId": ("accounts", ACCOUNT_ID), "zoneId": ("zones", ZONE_ID)}


class CloudflareType(ResourceType):
    """A resource that is one object of the account."""

    kind: ClassVar[type[Kind]]
    scope: ClassVar[str]
    """``accountId`` or ``zoneId``: where the object lives."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def check(self, inputs: Inputs) -> list[tuple[str, str]]:
        """What the provider's schema refuses."""
        return self.kind.reasons(inputs)

    async def create(self, inputs: Inputs) -> tuple[str, Outputs]:
        """Make the object."""
        self._check_scope(inputs)
        try:
            document = self.account.create(self.kind, self._document(inputs))
        except ApiError as error:
            raise Refused(str(error)) from error
        return document["id"], self._outputs(document)

    async def read(self, identifier: str) -> Outputs | None:
        """The object as it is now."""
        document = self.account.find(self.kind, identifier)
        return None if document is None else self._outputs(document)

    async def update(self, identifier: str, old: Outputs, new: Inputs) -> Outputs:
        """Overwrite the object with the new inputs."""
        try:
            document = self.account.replace(self.kind, identifier, self._document(self._kept(old, new)))
        except ApiError as error:
            raise Refused(str(error)) from error
        return self._outputs(document)

    async def delete(self, identifier: str) -> None:
        """Take the object away."""
        if self.account.find(self.kind, identifier) is None:
            return
        try:
            self.account.delete(self.kind, identifier)
        except ApiError as error:
            raise Refused(str(error)) from error

    def _check_scope(self, inputs: Inputs) -> None:
        word, known = _SCOPES[self.scope]
        if inputs.get(self.scope) != known:
            raise Refused(
                f"Could not route to /{word}/{inputs.get(self.scope)}, perhaps your object identifier is invalid? "
                f"(7003); the sandbox's own is {known}"
            )

    def _kept(self, old: Outputs, new: Inputs) -> Inputs:
        """Inputs of an overwrite, with what the provider takes over from its state."""
        del old
        return new

    def _document(self, inputs: Inputs) -> Document:
        return to_api({key: value for key, value in inputs.items() if key != self.scope})

    def _outputs(self, document: Document) -> Outputs:
        outputs = to_provider({key: value for key, value in document.items() if key != "id"})
        return {**outputs, self.scope: _SCOPES[self.scope][1]}


class MonitorType(CloudflareType):
    """A health check."""

    token = "cloudflare:index/loadBalancerMonitor:LoadBalancerMonitor"  # noqa: S105 - a type's name
    kind, scope = MonitorKind, "accountId"
    replaced_by = frozenset({"accountId"})
    computed = frozenset({"createdOn", "modifiedOn"})


class PoolType(CloudflareType):
    """A pool of endpoints."""

    token = "cloudflare:index/loadBalancerPool:LoadBalancerPool"  # noqa: S105 - a type's name
    kind, scope = PoolKind, "accountId"
    replaced_by = frozenset({"accountId"})
    computed = frozenset({"createdOn", "modifiedOn", "disabledAt", "networks"})

    def _kept(self, old: Outputs, new: Inputs) -> Inputs:
        """An overwrite sends load shedding as the state has it, even when it is somebody else's to write."""
        shedding = old.get("loadShedding")
        return {"loadShedding": shedding, **new} if shedding else new

    def _document(self, inputs: Inputs) -> Document:
        document = super()._document(inputs)
        document["origins"] = [_api_endpoint(endpoint) for endpoint in document.get("origins") or []]
        return document

    def _outputs(self, document: Document) -> Outputs:
        outputs = super()._outputs(document)
        outputs["origins"] = [_provider_endpoint(endpoint) for endpoint in outputs["origins"]]
        return outputs


class LoadBalancerType(CloudflareType):
    """A load balancer."""

    token = "cloudflare:index/loadBalancer:LoadBalancer"  # noqa: S105 - a type's name
    kind, scope = LoadBalancerKind, "zoneId"
    replaced_by = frozenset({"zoneId"})
    computed = frozenset({"createdOn", "modifiedOn", "zoneName"})

    def _outputs(self, document: Document) -> Outputs:
        return {**super()._outputs(document), "zoneName": self.account.zone_name()}


class DnsRecordType(CloudflareType):
    """A DNS record."""

    token = "cloudflare:index/dnsRecord:DnsRecord"  # noqa: S105 - a type's name
    kind, scope = DnsRecordKind, "zoneId"
    replaced_by = frozenset({"zoneId"})
    computed = frozenset({"createdOn", "modifiedOn", "commentModifiedOn", "tagsModifiedOn", "proxiable", "meta"})


class RulesetType(CloudflareType):
    """The ruleset of a phase."""

    token = "cloudflare:index/ruleset:Ruleset"  # noqa: S105 - a type's name
    kind, scope = RulesetKind, "zoneId"
    replaced_by = frozenset({"zoneId", "accountId", "kind", "phase", "name"})
    computed = frozenset({"lastUpdated", "version"})


class NotificationPolicyType(CloudflareType):
    """A notification policy."""

    token = "cloudflare:index/notificationPolicy:NotificationPolicy"  # noqa: S105 - a type's name
    kind, scope = NotificationKind, "accountId"
    replaced_by = frozenset({"accountId"})
    computed = frozenset({"created", "modified"})

    def _document(self, inputs: Inputs) -> Document:
        return _renamed_parts(super()._document(inputs), _SINGULAR)

    def _outputs(self, document: Document) -> Outputs:
        outputs = super()._outputs(_renamed_parts(document, {one: many for many, one in _SINGULAR.items()}))
        return {**outputs, "created": outputs.pop("createdOn"), "modified": outputs.pop("modifiedOn")}


class ZoneSettingType(CloudflareType):
    """A zone setting: creating changes it, deleting leaves it as it is."""

    token = "cloudflare:index/zoneSetting:ZoneSetting"  # noqa: S105 - a type's name
    kind, scope = ZoneSettingKind, "zoneId"
    replaced_by = frozenset({"zoneId", "settingId"})
    computed = frozenset({"editable", "modifiedOn", "timeRemaining"})

    async def delete(self, identifier: str) -> None:
        """The provider only forgets the setting."""
        del identifier


TYPES: tuple[type[CloudflareType], ...] = (
    MonitorType,
    PoolType,
    LoadBalancerType,
    DnsRecordType,
    RulesetType,
    NotificationPolicyType,
    ZoneSettingType,
)


def _api_endpoint(endpoint: dict[str, Any]) -> dict[str, Any]:
    """Provider and API name the Host override differently, and the provider drops any other spelling silently.

    https://github.com/cloudflare/terraform-provider-cloudflare/issues/6963
    """
    hosts = (endpoint.get("header") or {}).get("hosts")
    bare = {key: value for key, value in endpoint.items() if key != "header"}
    return {**bare, "header": {"Host": hosts}} if hosts else bare


def _renamed_parts(policy: Document, names: Mapping[str, str]) -> Document:
    """A notification policy with the lists of its mechanisms and filters under other names."""
    parts: Document = {
        part: {names.get(key, key): value for key, value in policy[part].items()}
        for part in ("mechanisms", "filters")
        if part in policy
    }
    return {**policy, **parts}


def _provider_endpoint(endpoint: dict[str, Any]) -> dict[str, Any]:
    hosts = (endpoint.get("header") or {}).get("Host")
    bare = {key: value for key, value in endpoint.items() if key != "header"}
    return {**bare, "header": {"hosts": hosts}} if hosts else bare
