"""The load balancer as the coordinator sees and changes it, through Cloudflare's API by its own SDK.

https://developers.cloudflare.com/api/resources/load_balancers/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import cloudflare
from cloudflare.types.load_balancers import LoadShedding, Pool

from coordinator.errors import Unreachable
from coordinator.ramp import CLOSED, WHOLE, Health, Seen
from coordinator.settings import Access

#: Real seconds for one answer, and how often a request is made again by the SDK, which honours Retry-After.
_TIMEOUT, _RETRIES = 10.0, 2
#: The monitor's interval where the API does not say; its own default.
_INTERVAL = 60.0
_SHOWN_CODES = 3


class Balancer(Protocol):
    """What the recovery needs of a load balancer."""

    async def look(self) -> dict[str, Seen]:
        """All its pools by id, in failover order; raises Unreachable unless every one can be told of."""

    async def set_share(self, pool: str, share: int) -> None:
        """Let a pool take so many percent of its own traffic; raises Unreachable."""


class CloudflareBalancer:
    """One load balancer, found by its name. ``access`` is asked anew after each failure."""

    def __init__(self, account: str, zone: str, hostname: str, access: Callable[[], Access]) -> None:
        self._account = account
        self._zone = zone
        self._hostname = hostname
        self._access = access
        self._client: cloudflare.AsyncCloudflare | None = None
        self._speed = 1.0

    async def look(self) -> dict[str, Seen]:
        """Load balancer, pools, monitors, and the health of each pool."""
        async with self._api() as api:
            order = await self._default_pools(api)
            pools = {pool.id: pool async for pool in api.load_balancers.pools.list(account_id=self._account)}
            listed = api.load_balancers.monitors.list(account_id=self._account)
            intervals = {monitor.id: float(monitor.interval or _INTERVAL) async for monitor in listed}
            wanted = [pool for key in order if (pool := pools.get(key)) is not None]
            healths = await asyncio.gather(*(self._health(api, pool) for pool in wanted))
        return {
            str(pool.id): Seen(
                name=_short_name(pool),
                health=health,
                share=share_of(pool.load_shedding),
                interval=intervals.get(pool.monitor, _INTERVAL) / self._speed,
                why=why,
            )
            for pool, (health, why) in zip(wanted, healths, strict=True)
        }

    async def set_share(self, pool: str, share: int) -> None:
        """Shed the rest at random: by address would shed more or less than that."""
        shedding: Any = None
        if share != WHOLE:
            shedding = {
                "default_percent": WHOLE - share,
                "default_policy": "random",
                "session_percent": 0,
                "session_policy": "hash",
            }
        async with self._api() as api:
            await api.load_balancers.pools.edit(pool, account_id=self._account, load_shedding=shedding)

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    @asynccontextmanager
    async def _api(self) -> AsyncIterator[cloudflare.AsyncCloudflare]:
        if self._client is None:
            found = self._access()
            self._client, self._speed = _client(found), found.speed
        try:
            yield self._client
        except cloudflare.CloudflareError as error:
            await self.close()
            raise Unreachable(explained(error)) from error

    async def _default_pools(self, api: cloudflare.AsyncCloudflare) -> list[str]:
        async for found in api.load_balancers.list(zone_id=self._zone):
            if found.name == self._hostname:
                return [str(pool) for pool in found.default_pools or []]
        raise Unreachable(f"the zone has no load balancer {self._hostname}: publish the stack first")

    async def _health(self, api: cloudflare.AsyncCloudflare, pool: Pool) -> tuple[Health, str]:
        if not pool.enabled or not pool.monitor:
            return Health.UNKNOWN, ""
        found = await api.load_balancers.pools.health.get(str(pool.id), account_id=self._account)
        return health_of(found.to_dict().get("pop_health"))


def share_of(shedding: LoadShedding | None) -> int | None:
    """The share that a pool is left with; None where it is shed in a way the coordinator never does."""
    percent = (shedding.default_percent if shedding else None) or 0.0
    session = (shedding.session_percent if shedding else None) or 0.0
    if not percent and not session:
        return WHOLE
    hashed = shedding is not None and shedding.default_policy == "hash"
    if hashed or session or percent != int(percent):
        return None
    return max(CLOSED, WHOLE - int(percent))


def health_of(places: Any) -> tuple[Health, str]:
    """What the places that check a pool say together, and the first complaint.

    The majority decides: https://developers.cloudflare.com/load-balancing/understand-basics/health-details/
    """
    found = [place for place in places.values() if isinstance(place, Mapping)] if isinstance(places, Mapping) else []
    if not found:
        return Health.UNKNOWN, ""
    endpoints = [endpoint for place in found for endpoint in _endpoints(place)]
    complaints = [str(one.get("failure_reason") or "") for one in endpoints if not one.get("healthy")]
    why = next(filter(None, complaints), "")
    well = sum(bool(place.get("healthy")) for place in found)
    if well * 2 <= len(found):
        return Health.DOWN, why
    return (Health.HEALTHY, "") if well == len(found) and not complaints else (Health.DOUBTFUL, why)


def _endpoints(place: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Health of each endpoint: ``origins`` is a list of objects, address → health."""
    return [one for named in place.get("origins") or [] for one in named.values() if isinstance(one, Mapping)]


def explained(error: cloudflare.CloudflareError) -> str:
    """An error of the SDK in words: no address, no header."""
    if isinstance(error, cloudflare.APIStatusError):
        codes = ", ".join(f"{one.code} {one.message}" for one in error.errors[:_SHOWN_CODES])
        hint = ""
        if isinstance(error, cloudflare.AuthenticationError | cloudflare.PermissionDeniedError):
            hint = "; check that CLOUDFLARE_API_TOKEN may edit Load Balancing: Monitors and Pools of the account"
        return f"Cloudflare answers {error.status_code} ({codes or 'no code'}){hint}"
    return f"Cloudflare's API does not answer ({type(error).__name__})"


def _short_name(pool: Pool) -> str:
    """The platform, which is the only endpoint's name; else the pool's own name."""
    names = [one.name for one in pool.origins or [] if one.name]
    return names[0] if len(names) == 1 else str(pool.name)


def _client(access: Access) -> cloudflare.AsyncCloudflare:
    local = (access.base_url or "").startswith("http://127.0.0.1")
    return cloudflare.AsyncCloudflare(
        base_url=access.base_url,
        api_token=access.token,
        timeout=_TIMEOUT,
        max_retries=_RETRIES,
        http_client=cloudflare.DefaultAsyncHttpxClient(trust_env=False) if local else None,
    )
