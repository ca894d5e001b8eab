"""Keeps what a pool sheds through an update of the pool.

Who brings a platform back in steps (``coordinator/``) sets ``loadShedding`` through Cloudflare's API. The provider
overwrites the whole pool, with what its own state says of load shedding: nothing, or what it was at the last refresh.
https://github.com/cloudflare/terraform-provider-cloudflare/blob/main/internal/services/load_balancer_pool/resource.go
So what is set is read just before that, and set again just after.
https://www.pulumi.com/docs/iac/concepts/options/hooks/
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub
from pulumi.runtime.settings import get_monitor

if TYPE_CHECKING:
    import cloudflare

#: Seconds for one answer, and how often the SDK asks again: an ``up`` must not stand still for this.
_TIMEOUT, _RETRIES = 10.0, 2
_LATER = "Should the coordinator run, it puts that right within its next look; otherwise set it in the dashboard."


class Shedding:
    """What the pools of one account shed, from before an update until after it."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id
        self._kept: dict[str, dict[str, Any] | None] = {}

    def hooks(self, name: str) -> pulumi.ResourceHookBinding | None:
        """For the pools; ``name`` must be the only one of its kind in the stack. Pulumi's mocks take no hooks."""
        if not isinstance(get_monitor(), ResourceMonitorStub):
            return None
        return pulumi.ResourceHookBinding(
            before_update=[pulumi.ResourceHook(f"{name}-note", self.note)],
            after_update=[pulumi.ResourceHook(f"{name}-put-back", self.put_back)],
        )

    def note(self, args: pulumi.ResourceHookArgs) -> None:
        """Remember what a pool sheds. An API that cannot be asked stops no ``up``: it is said, and left."""
        from cloudflare import CloudflareError  # imported here, for it takes half a second

        try:
            self._kept[args.id] = self._shed(args.id)
        except CloudflareError as error:
            pulumi.log.warn(f"{args.name}: what it sheds cannot be read ({type(error).__name__}). {_LATER}")

    def put_back(self, args: pulumi.ResourceHookArgs) -> None:
        """Set what was remembered, where the update has made it something else."""
        from cloudflare import CloudflareError

        if args.id not in self._kept:
            return
        wanted = self._kept.pop(args.id)
        try:
            if self._shed(args.id) != wanted:
                self._set(args.id, wanted)
        except CloudflareError as error:
            pulumi.log.warn(f"{args.name}: what it shed cannot be set again ({type(error).__name__}). {_LATER}")

    def _shed(self, pool: str) -> dict[str, Any] | None:
        with client() as api:
            found = api.load_balancers.pools.get(pool, account_id=self._account_id).load_shedding
        return found.to_dict() if found is not None else None

    def _set(self, pool: str, shedding: Mapping[str, Any] | None) -> None:
        wanted: Any = shedding
        with client() as api:
            api.load_balancers.pools.edit(pool, account_id=self._account_id, load_shedding=wanted)


def client() -> cloudflare.Cloudflare:
    """Cloudflare's API with the access that the provider has: its variables, or the stack's ``cloudflare:apiToken``.

    Raises CloudflareError when there is no token.
    """
    import cloudflare

    token = os.environ.get("CLOUDFLARE_API_TOKEN") or pulumi.Config("cloudflare").get("apiToken")
    url = os.environ.get("CLOUDFLARE_BASE_URL")
    if not token:
        raise cloudflare.CloudflareError("no token")
    local = (url or "").startswith("http://127.0.0.1")
    return cloudflare.Cloudflare(
        api_token=token,
        base_url=url,
        timeout=_TIMEOUT,
        max_retries=_RETRIES,
        http_client=cloudflare.DefaultHttpxClient(trust_env=False) if local else None,
    )
