"""The resources of the local plugin ``publisher``, as the program declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.origin import Origin


class Website(pulumi.CustomResource):
    """The content as it is at this run; ``release`` is its id."""

    release: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        source: str,
        ref: str = "",
        headers: Mapping[str, str] | None = None,
        cache_rules: Sequence[Mapping[str, str]] = (),
        allow_deletes: str = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Read ``source`` (folder or Git URL at ``ref``); the plugin's check adds the manifest and the release id."""
        given: dict[str, Any] = {
            "source": source,
            "ref": ref or None,
            "headers": dict(headers or {}) or None,
            "cacheRules": [dict(rule) for rule in cache_rules] or None,
            "allowDeletes": allow_deletes or None,
        }
        added_by_plugin = dict.fromkeys(("release", "digest", "files", "fileCount", "bytes", "commit"))
        super().__init__("publisher:index:Website", name, {**given, **added_by_plugin}, opts)


class _Upload(pulumi.CustomResource):
    staged: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        outputs = dict.fromkeys(("staged", "filesSent", "bytesSent"))
        super().__init__("publisher:index:Upload", name, {**inputs, **outputs}, opts)


class _Publish(pulumi.CustomResource):
    live: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("publisher:index:Publish", name, {**inputs, "live": None}, opts)


class _Verify(pulumi.CustomResource):
    release: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__("publisher:index:Verify", name, {**inputs, "paths": None}, opts)


class Publication(pulumi.ComponentResource):
    """One release on one platform: uploaded, published, verified, in this order.

    The chains of several platforms are independent: a platform that is down holds back no other.
    """

    release: pulumi.Output[str]
    """Release id that the public origin was seen to serve."""

    def __init__(
        self,
        name: str,
        website: Website,
        origin: Origin,
        target: Mapping[str, pulumi.Input[str]],
        *,
        deadline: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Publish ``website`` to ``target`` and ask ``origin`` until it is right, ``deadline`` seconds at the most."""
        super().__init__("peacefulrobot:publishing:Publication", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        where = {"platform": origin.name, "target": dict(target), "release": website.release}
        upload = _Upload(f"{name}-upload", where, child)
        publish = _Publish(f"{name}-publish", {**where, "staged": upload.staged}, child)
        asked = {
            "platform": origin.name,
            "url": origin.url,
            "hostHeader": origin.host_header,
            "release": publish.live,
            "deadline": deadline,
        }
        self.release = _Verify(f"{name}-verify", asked, child).release
        self.register_outputs({"release": self.release})
