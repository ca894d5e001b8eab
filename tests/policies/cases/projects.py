from __future__ import annotations

from policies import projects as guard
from policies.projects import PAGES, STATIC_SITE, VERCEL_PROJECT
from tests.policies.cases import cannot_know, finds, passes, with_
from tests.policies.judging import UNKNOWN, declared

SITE = declared(STATIC_SITE, stagingEnvironmentPolicy="Disabled", allowConfigFileUpdates=True)
PROJECT = declared(VERCEL_PROJECT, autoAssignCustomDomains=False)
PAGED = declared(PAGES, forceHttps=True, isUniqueDomainEnabled=True)
WRITER, PREVIEWS, HTTPS = guard.PROJECT_HAS_ONE_WRITER, guard.STATIC_SITE_HAS_NO_PREVIEWS, guard.PAGES_ARE_HTTPS

PASSING = [
    passes(WRITER, SITE),
    passes(WRITER, with_(SITE, repositoryUrl="")),
    passes(WRITER, PROJECT),
    passes(PREVIEWS, SITE),
    passes(PREVIEWS, with_(SITE, allowConfigFileUpdates=False)),
    passes(HTTPS, PAGED),
]
FAILING = [
    *(
        finds(WRITER, f"{key} is set", with_(SITE, **{key: "x"}))
        for key in ("repositoryUrl", "repositoryToken", "branch")
    ),
    finds(WRITER, "gitRepository is set", with_(PROJECT, gitRepository={"repo": "a/b", "type": "github"})),
    finds(WRITER, "gitRepository is set", with_(PROJECT, gitRepository=UNKNOWN)),
    finds(WRITER, "autoAssignCustomDomains is not false", with_(PROJECT, autoAssignCustomDomains=None)),
    finds(WRITER, "autoAssignCustomDomains is not false", with_(PROJECT, autoAssignCustomDomains=True)),
    finds(PREVIEWS, "stagingEnvironmentPolicy is not Disabled", with_(SITE, stagingEnvironmentPolicy="Enabled")),
    finds(PREVIEWS, "allowConfigFileUpdates is not decided", with_(SITE, allowConfigFileUpdates=None)),
    finds(HTTPS, "forceHttps is not true", with_(PAGED, forceHttps=False)),
    finds(HTTPS, "isUniqueDomainEnabled is not true", with_(PAGED, isUniqueDomainEnabled=None)),
]
UNKNOWN_YET = [
    cannot_know(WRITER, "autoAssignCustomDomains", with_(PROJECT, autoAssignCustomDomains=UNKNOWN)),
    cannot_know(PREVIEWS, "stagingEnvironmentPolicy", with_(SITE, stagingEnvironmentPolicy=UNKNOWN)),
    cannot_know(HTTPS, "forceHttps", with_(PAGED, forceHttps=UNKNOWN)),
]
