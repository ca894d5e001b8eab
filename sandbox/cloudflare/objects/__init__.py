"""The kinds of objects that an account holds, each with the service's defaults and refusals."""

from __future__ import annotations

from sandbox.cloudflare.objects.base import Kind
from sandbox.cloudflare.objects.dns_record import DnsRecordKind
from sandbox.cloudflare.objects.load_balancer import LoadBalancerKind
from sandbox.cloudflare.objects.monitor import MonitorKind
from sandbox.cloudflare.objects.notification import NotificationKind
from sandbox.cloudflare.objects.pool import PoolKind
from sandbox.cloudflare.objects.ruleset import RulesetKind
from sandbox.cloudflare.objects.worker import WorkerRouteKind, WorkerScriptKind
from sandbox.cloudflare.objects.zone_setting import ZoneSettingKind

KINDS: dict[str, type[Kind]] = {
    kind.name: kind
    for kind in (
        DnsRecordKind,
        LoadBalancerKind,
        MonitorKind,
        NotificationKind,
        PoolKind,
        RulesetKind,
        WorkerRouteKind,
        WorkerScriptKind,
        ZoneSettingKind,
    )
}

__all__ = [
    "KINDS",
    "DnsRecordKind",
    "Kind",
    "LoadBalancerKind",
    "MonitorKind",
    "NotificationKind",
    "PoolKind",
    "RulesetKind",
    "WorkerRouteKind",
    "WorkerScriptKind",
    "ZoneSettingKind",
]
