"""What the edge is told, checked as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import pulumi

from components.origin import Origin
from components.worker_limits import WorkerLimits
from website import DEFAULT_FLOOR, HEALTH_TOKEN

if TYPE_CHECKING:
    from components.settings import Settings

#: Endpoints of one account without an Enterprise plan; each platform is one endpoint.
#: https://developers.cloudflare.com/load-balancing/reference/limitations/
MAX_ORIGINS = 20
#: A Worker makes at most 50 requests for one of a visitor's on the free plan. Each platform may take three (the page,
#: its 404 page once more, its health path), the copy takes five.
#: https://developers.cloudflare.com/workers/platform/limits/#subrequests
MAX_WORKER_ORIGINS = (50 - 5) // 3
#: https://developers.cloudflare.com/workers/platform/limits/ (a name is also a DNS label below workers.dev)
MAX_SCRIPT_NAME = 63


class EdgeError(pulumi.RunError):
    """Every mistake in the arguments of an edge, one line each: what, why, what to do."""


@dataclass(frozen=True)
class EdgeArgs:
    """Arguments of an edge. Times are seconds."""

    account_id: str
    """Account that holds monitor and pools, 32 hex digits."""
    zone_id: str
    """Zone of ``apex``, 32 hex digits."""
    hostname: str
    """Fully qualified name the site is served under."""
    apex: str
    """Name of the zone; where it differs from ``hostname`` it is redirected there."""
    mode: Literal["load-balancer", "worker"] = "load-balancer"
    """Cloudflare Load Balancing, which is paid for, or a Worker within the free plan."""
    copy_folder: str = ""
    """Mode ``worker``: relative folder with a copy of each release, below its id; empty for no copy at the edge."""
    worker_limits: WorkerLimits = field(default_factory=WorkerLimits)
    interval: int = 60
    """Between two checks of one platform from one place."""
    timeout: int = 5
    """After which an unanswered check has failed."""
    retries: int = 2
    """Immediate repetitions of a check that timed out; no other failure is repeated."""
    consecutive_up: int = 2
    """Good checks in a row until a platform gets visitors again."""
    consecutive_down: int = 2
    """Failed checks in a row until a platform gets none."""
    regions: Sequence[str] = ("WEU",)
    """Cloudflare regions that check; each one asks from three data centres."""
    path: str = "/.well-known/release.json"
    """What a check asks for."""
    expected_body: str = HEALTH_TOKEN
    """Constant text that a healthy answer holds. Not the release id: one that changed before all platforms serve the
    release would take every platform out at once."""
    fallback: str = ""
    """Platform that serves while all count as down; empty means the first."""
    notification_email: str = ""
    """Who is told when a platform goes down or comes back; empty means nobody."""
    protect: bool = True
    """Refuse to delete or replace the load balancer."""
    headers: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT_FLOOR))
    """Security headers of the stack. The zone's HSTS setting is made from them, for it overrides the platforms'."""

    @classmethod
    def from_settings(cls, settings: Settings) -> EdgeArgs:
        """Arguments from the settings of a stack."""
        return cls(
            account_id=settings.cloudflare_account_id,
            zone_id=settings.cloudflare_zone_id,
            hostname=settings.site_name,
            apex=settings.domain,
            mode=settings.edge_mode,
            copy_folder=settings.copy_folder,
            worker_limits=settings.worker_limits,
            interval=settings.monitor_interval,
            timeout=settings.monitor_timeout,
            retries=settings.monitor_retries,
            consecutive_up=settings.monitor_up,
            consecutive_down=settings.monitor_down,
            regions=settings.monitor_regions,
            notification_email=settings.alert_email,
            protect=settings.protect,
            headers={**DEFAULT_FLOOR, **settings.security_headers},
        )


def check(args: EdgeArgs, origins: Sequence[Origin]) -> None:
    """Raise EdgeError with every mistake in the arguments."""
    own = _worker_mistakes(args) if args.mode == "worker" else _monitor_mistakes(args)
    mistakes = [*_name_mistakes(args), *own, *_origin_mistakes(args, [one.name for one in origins])]
    if mistakes:
        lines = "\n".join(f"  - {mistake}" for mistake in mistakes)
        raise EdgeError(f"the edge of {args.hostname or 'the site'} cannot be declared; nothing was changed:\n{lines}")


def _name_mistakes(args: EdgeArgs) -> Iterator[str]:
    if args.hostname != args.apex and not args.hostname.endswith(f".{args.apex}"):
        yield f"hostname: {args.hostname} does not lie in the zone {args.apex}; change one of the two"
    if args.hostname.endswith(".") or args.apex.endswith("."):
        yield "hostname, apex: end in a dot, which Cloudflare drops and then reports as a change; leave it away"


def _monitor_mistakes(args: EdgeArgs) -> Iterator[str]:
    # 0 means 1 to the service, but the provider plans it anew on each run.
    # https://github.com/cloudflare/terraform-provider-cloudflare/issues/5676
    for key in ("consecutive_up", "consecutive_down"):
        if getattr(args, key) < 1:
            yield f"{key}: is {getattr(args, key)}, and 0 shows as a change on every run; use 1 or more"
    if args.timeout * (args.retries + 1) >= args.interval:
        yield "interval: a check would start before the last has timed out; raise it above timeout × (retries + 1)"
    if not args.path.startswith("/"):
        yield f"path: {args.path} is no URL path; begin it with /"
    if not args.expected_body:
        yield "expected_body: is empty, so any page with status 200 would count as the site; give a constant text"
    if not args.regions:
        yield "regions: is empty, which means every data centre and an Enterprise plan; name one or more"


def script_name(args: EdgeArgs) -> str:
    """Name of the Worker, unique in the account."""
    return args.hostname.replace(".", "-")


def _worker_mistakes(args: EdgeArgs) -> Iterator[str]:
    if len(script_name(args)) > MAX_SCRIPT_NAME:
        yield f"hostname: {args.hostname} is longer than a Worker's name may be ({MAX_SCRIPT_NAME}); use a shorter one"


def _origin_mistakes(args: EdgeArgs, names: Sequence[str]) -> Iterator[str]:
    if not names:
        yield "origins: is empty, so nothing could serve the site; enable a platform"
    if args.mode == "worker" and len(names) > MAX_WORKER_ORIGINS:
        yield f"origins: {len(names)} platforms, and a Worker can ask {MAX_WORKER_ORIGINS} for one page; enable fewer"
    elif len(names) > MAX_ORIGINS:
        yield f"origins: {len(names)} platforms, and an account has {MAX_ORIGINS} endpoints; enable fewer"
    if len(set(names)) != len(names):
        yield f"origins: a platform stands twice in {', '.join(names)}; name each once, in failover order"
    if args.fallback and args.fallback not in names:
        yield f"fallback: {args.fallback} is none of the platforms {', '.join(names)}; name one of them"
