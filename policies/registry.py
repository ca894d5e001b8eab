"""All policies, by what they guard."""

from __future__ import annotations

from collections.abc import Mapping

from policies import (
    buckets,
    distributions,
    dns,
    edge,
    identity,
    projects,
    protection,
    storage,
    whole_site,
)
from policies.policy import Policy

GUARDED: Mapping[str, tuple[Policy, ...]] = {
    "The whole site": (
        whole_site.PLATFORM_IS_BEHIND_THE_EDGE,
        whole_site.SITE_STANDS_ON_TWO_CLOUDS,
        whole_site.PLATFORMS_SHOW_ONE_RELEASE,
        whole_site.PLATFORM_IS_VERIFIED,
        whole_site.STACK_IS_SMALL,
    ),
    "The edge": (
        edge.BALANCER_FAILS_OVER,
        edge.BALANCER_FALLS_BACK_TO_ITS_OWN,
        edge.POOL_IS_CHECKED,
        edge.MONITOR_IS_STRICT,
        edge.ZONE_TRANSPORT_IS_STRICT,
        edge.ZONE_SENDS_HSTS,
        edge.ZONE_ALTERS_NO_BYTES,
        edge.ZONE_HAS_ITS_SETTINGS,
        edge.OUTAGE_TELLS_SOMEBODY,
    ),
    "DNS": (
        dns.DNS_RECORD_LEADS_TO_OURS,
        dns.DNS_RECORD_IS_PROXIED,
        dns.ZONE_NAMES_ITS_AUTHORITIES,
        dns.ZONE_IS_SIGNED,
    ),
    "Buckets of AWS": (
        buckets.BUCKET_BLOCKS_PUBLIC_ACCESS,
        buckets.BUCKET_HAS_ITS_GUARDS,
        buckets.BUCKET_POLICY_NAMES_ITS_READERS,
        buckets.BUCKET_POLICY_REFUSES_PLAIN_HTTP,
        buckets.BUCKET_IS_NO_WEBSITE,
        buckets.BUCKET_HAS_NO_ACLS,
        buckets.BUCKET_KEEPS_VERSIONS,
        buckets.BUCKET_DROPS_UNFINISHED_UPLOADS,
    ),
    "Storage of Azure and Google": (
        storage.STORAGE_ACCOUNT_IS_PRIVATE,
        storage.CONTAINER_IS_PRIVATE,
        storage.GOOGLE_BUCKET_IS_PRIVATE,
    ),
    "Distributions": (
        distributions.DISTRIBUTION_ANSWERS_HTTPS_ONLY,
        distributions.DISTRIBUTION_REFUSES_OLD_TLS,
        distributions.DISTRIBUTION_SIGNS_ITS_REQUESTS,
        distributions.DISTRIBUTION_REACHES_ORIGINS_BY_HTTPS,
        distributions.DISTRIBUTION_SETS_HEADERS,
        distributions.HEADERS_POLICY_IS_STRICT,
        distributions.HEADERS_POLICY_WINS,
        distributions.DISTRIBUTION_SHOWS_ERRORS_AS_ERRORS,
        distributions.DISTRIBUTION_LOGS,
    ),
    "Sites and projects of platforms": (
        projects.PROJECT_HAS_ONE_WRITER,
        projects.STATIC_SITE_HAS_NO_PREVIEWS,
        projects.PAGES_ARE_HTTPS,
    ),
    "Identities": (
        identity.NO_LONG_LIVED_KEY,
        identity.TRUST_IS_TIGHT,
        identity.GRANT_IS_LIMITED,
    ),
    "What would be lost": (
        protection.LASTING_RESOURCE_IS_PROTECTED,
        protection.NO_PLAIN_SECRET,
        protection.STATE_HAS_NO_PLAIN_SECRET,
    ),
}
POLICIES: tuple[Policy, ...] = tuple(policy for group in GUARDED.values() for policy in group)
