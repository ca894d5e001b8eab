"""Policies for the sites and projects of hosting platforms: releases come from here only, and over HTTPS."""

from __future__ import annotations

from collections.abc import Iterator

from policies.policy import Resource, ResourcePolicy, Settings, wanted
from policies.values import at, is_set

STATIC_SITE = "azure-native:web:StaticSite"
VERCEL_PROJECT = "vercel:index/project:Project"
PAGES = "gitlab:index/projectPagesSettings:ProjectPagesSettings"
#: Properties by which a platform would build and publish what somebody pushes.
_OTHER_WRITERS = {
    STATIC_SITE: ("repositoryUrl", "repositoryToken", "branch"),
    VERCEL_PROJECT: ("gitRepository", "deployHooks"),
}


def _has_one_writer(resource: Resource, _: Settings) -> Iterator[str]:
    for key in _OTHER_WRITERS[resource.kind]:
        if is_set(at(resource.values, key)):
            yield f"{key} is set"
    if resource.kind == VERCEL_PROJECT:
        # Unset means yes: each deployment would be live before it is checked.
        yield from wanted(resource, {"autoAssignCustomDomains": False})


PROJECT_HAS_ONE_WRITER = ResourcePolicy(
    name="project-has-one-writer",
    description="A platform publishes only what this program gives it.",
    reason="A second way to publish puts bytes before visitors that nobody checked, on one platform only.",
    remedy="Leave the repository's properties away; set autoAssignCustomDomains to false.",
    origin="design",
    kinds=tuple(_OTHER_WRITERS),
    judge=_has_one_writer,
)


def _has_no_previews(resource: Resource, _: Settings) -> Iterator[str]:
    yield from wanted(resource, {"stagingEnvironmentPolicy": "Disabled"})
    if at(resource.values, "allowConfigFileUpdates") is None:
        yield "allowConfigFileUpdates is not decided"


STATIC_SITE_HAS_NO_PREVIEWS = ResourcePolicy(
    name="static-site-has-no-previews",
    description="A static web app has no staging environments, and it is decided whether content configures it.",
    reason="A staging environment is a second public copy, under a name that nobody watches.",
    remedy="Set stagingEnvironmentPolicy to Disabled, and allowConfigFileUpdates.",
    origin="design",
    kinds=(STATIC_SITE,),
    judge=_has_no_previews,
    repair=lambda _: {"stagingEnvironmentPolicy": "Disabled"},
)


def _pages_are_https(resource: Resource, _: Settings) -> Iterator[str]:
    yield from wanted(resource, {"forceHttps": True, "isUniqueDomainEnabled": True})


PAGES_ARE_HTTPS = ResourcePolicy(
    name="pages-are-https",
    description="GitLab Pages serves by HTTPS only, under a host name of its own.",
    reason="Sites that share a host name share its cookies, storage and service workers.",
    remedy="Set forceHttps and isUniqueDomainEnabled to true.",
    origin="design",
    kinds=(PAGES,),
    judge=_pages_are_https,
    repair=lambda _: {"forceHttps": True, "isUniqueDomainEnabled": True},
)
