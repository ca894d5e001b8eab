"""The resources of the local plugin ``publisher``, as the program declares them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.origin import Origin


class Website(pulumi.CustomResource):
    """The content as it is at this run; ``release`` is its id."""

    release: pulumi.Output[str]
    rules: pulumi.Output[dict[str, Any]]
    """The release's rules as ``website.Manifest`` writes them."""
    folders: pulumi.Output[list[str]]
    """Percent-encoded paths of folders without the slash, which visitors are to be led from to those with it."""
    served: pulumi.Output[dict[str, Any]]
    """What the edge's Worker has to know of the files, as ``publisher/edge_copy.py`` describes them."""

    def __init__(
        self,
        name: str,
        *,
        source: str,
        ref: str = "",
        headers: Mapping[str, str] | None = None,
        cache_rules: Sequence[Mapping[str, str]] = (),
        allow_deletes: str = "",
        pinned: str = "",
        keep: int = 5,
        edge_copy: str = "",
        for_worker: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Read ``source`` (folder or Git URL at ``ref``); the plugin's check adds the manifest and the release id.

        With ``pinned`` an earlier release is recalled instead, and ``source`` is not asked. ``keep`` releases are
        remembered, the live one included. ``edge_copy`` is a folder that gets a copy of each release, below its id;
        ``for_worker`` adds ``served``.
        """
        given: dict[str, Any] = {
            "source": source,
            "ref": ref or None,
            "headers": dict(headers or {}) or None,
            "cacheRules": [dict(rule) for rule in cache_rules] or None,
            "allowDeletes": allow_deletes or None,
            "pinned": pinned or None,
            "keep": keep,
            "edgeCopy": edge_copy or None,
            "forWorker": for_worker or None,
        }
        computed = ("release", "digest", "fileCount", "bytes", "commit", "rules", "folders", "served")
        added_by_plugin = dict.fromkeys(computed)
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
    """One release on one platform: uploaded here; published and verified by ``go_live``.

    The chains of several platforms are independent: a platform that is down holds back no other.
    """

    def __init__(
        self,
        name: str,
        website: Website,
        origin: Origin,
        target: Mapping[str, pulumi.Input[str]],
        *,
        keep: int,
        deadline: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Stage ``website`` at ``target``, where ``keep`` releases are kept.

        ``deadline``: seconds until what ``origin`` answers wrongly after publishing is an error.
        """
        super().__init__("peacefulrobot:publishing:Publication", name, {}, opts)
        self._name = name
        self._origin = origin
        self._deadline = deadline
        kept = {**target, "keep": str(keep)}
        self._where = {"platform": origin.name, "target": kept, "release": website.release}
        self.uploaded = _Upload(f"{name}-upload", self._where, pulumi.ResourceOptions(parent=self))
        self.verified: pulumi.Resource = self.uploaded
        """What shows that the release is served, once ``go_live`` has been called."""

    def go_live(self, barrier: Sequence[Publication] = ()) -> pulumi.Output[str]:
        """Move the pointer once everything in ``barrier`` is staged and checked, then verify.

        Returns the release id that the public origin was seen to serve.
        """
        held = pulumi.ResourceOptions(parent=self, depends_on=[other.uploaded for other in barrier])
        publish = _Publish(f"{self._name}-publish", {**self._where, "staged": self.uploaded.staged}, held)
        asked = {
            "platform": self._origin.name,
            "url": self._origin.url,
            "hostHeader": self._origin.host_header,
            "release": publish.live,
            "deadline": self._deadline,
        }
        verify = _Verify(f"{self._name}-verify", asked, pulumi.ResourceOptions(parent=self))
        self.verified = verify
        self.register_outputs({"release": verify.release})
        return verify.release
