"""The program, as a table of contents.

Settings → website → one host for each platform → edge → monitoring → delivery → exports.
"""

from __future__ import annotations

import atexit
import gc

# A short process that keeps nearly all it makes. Looking for garbage, at its end too, took a third of a preview.
gc.disable()
atexit.register(gc.freeze)

import pulumi

from components import delivery, monitoring
from components import settings as stack
from components.edge import Edge, EdgeArgs
from components.hosts import host_class
from components.publishing import Publication, Website
from components.sdk import drop_debug_messages
from website import DEFAULT_FLOOR

drop_debug_messages()
settings = stack.load()
delivery.check(settings)
headers = {**DEFAULT_FLOOR, **settings.security_headers}

site = Website(
    "website",
    source=settings.content,
    ref=settings.content_ref,
    headers=settings.security_headers,
    cache_rules=[rule.model_dump() for rule in settings.cache_rules],
    allow_deletes=settings.allow_deletes,
    pinned=settings.release,
    keep=settings.keep_releases,
    edge_copy=settings.copy_folder,
    for_worker=settings.edge_mode == "worker",
)

hosts = {name: host_class(name)(name, settings.host_arguments(name, headers)) for name in settings.hosts}

uploads = {
    name: Publication(
        name, site, host.origin, host.target, keep=settings.keep_releases, deadline=settings.verify_deadline
    )
    for name, host in hosts.items()
}
barrier = list(uploads.values()) if settings.release_barrier == "all" else []
releases = {name: publication.go_live(barrier) for name, publication in uploads.items()}

edge = Edge(
    "edge",
    EdgeArgs.from_settings(settings),
    origins=[host.origin for host in hosts.values()],
    rules=site.rules,
    folders=site.folders,
    release=site.release,
    served=site.served,
)

watched = monitoring.declare(settings, edge, hosts, uploads)
handed = delivery.declare(settings, hosts)

pulumi.export("site_url", edge.site_url)
pulumi.export("release", site.release)
pulumi.export("headers", headers)
pulumi.export(
    "platforms",
    [
        {
            "name": name,
            "hostname": host.origin.hostname,
            "host_header": host.origin.host_header,
            "url": host.origin.url,
            "release": releases[name],
        }
        for name, host in hosts.items()
    ],
)
if watched is not None:
    pulumi.export("monitors", watched.monitors)
if handed is not None:
    pulumi.export("delivery", handed)
