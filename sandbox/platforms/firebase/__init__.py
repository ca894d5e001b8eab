"""Firebase Hosting on your own machine: its API, Google's token endpoint, and its serving."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sandbox.platforms.firebase.account import HOSTING_API
from sandbox.platforms.firebase.api import Api
from sandbox.platforms.firebase.hosting import CHANNELS, LIVE, SITES, VERSIONS, Hosting
from sandbox.platforms.firebase.identity_resources import (
    AccountMember,
    ProjectMember,
    ServiceAccount,
    WorkloadIdentityPool,
    WorkloadIdentityPoolProvider,
)
from sandbox.platforms.firebase.oauth import TokenEndpoint
from sandbox.platforms.firebase.resources import FirebaseProject, HostingSite, Service
from sandbox.platforms.firebase.serving import Serving
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World

#: Where firebase-tools looks for the addresses of Google's services.
_URL_VARIABLES = (
    "FIREBASE_HOSTING_API_URL",
    "FIREBASE_API_URL",
    "FIREBASE_TOKEN_URL",
    "FIREBASE_RESOURCEMANAGER_URL",
    "FIREBASE_SERVICE_USAGE_URL",
    "FIREBASE_AUTH_MANAGEMENT_URL",
    "FIREBASE_IDENTITY_URL",
)

#: All of them, so that no real key of the user is taken by whoever looks into the other first.
_KEY_VARIABLES = ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS")


def twin(world: World) -> Twin:
    """The Firebase twin."""
    folder = world.folder / "firebase"
    hosting = Hosting(world.store, folder, world.clock)
    tokens = TokenEndpoint(world.store, folder)
    world.serve_names("firebase", lambda: ["*.web.app"])

    def environment(url: str) -> Mapping[str, str]:
        key_file = str(tokens.key_file(url))
        return {**dict.fromkeys(_URL_VARIABLES, url), **dict.fromkeys(_KEY_VARIABLES, key_file)}

    return Twin(
        name="firebase",
        resource_types=(
            Service(world.store),
            FirebaseProject(world.store),
            HostingSite(world.store, hosting),
            WorkloadIdentityPool(world.store),
            WorkloadIdentityPoolProvider(world.store),
            ServiceAccount(world.store),
            ProjectMember(world.store),
            AccountMember(world.store),
        ),
        control=(ControlPlane(HOSTING_API, Api(hosting, tokens, world.store).app(), environment),),
        public=Serving(hosting, world.clock).app(),
        sites=lambda: _sites(hosting),
        deployments=lambda: [
            str(one["labels"].get("release"))
            for one in hosting.store.all(VERSIONS).values()
            if one["status"] == "FINALIZED"
        ],
    )


def _sites(hosting: Hosting) -> Sequence[SiteView]:
    newest_first = sorted(hosting.store.all(SITES).values(), key=lambda site: -site["number"])
    views = []
    for site in newest_first:
        channel = hosting.store.get(CHANNELS, f"{site['id']}/{LIVE}")
        shown = hosting.shown(channel) if channel else None
        version = (hosting.store.get(VERSIONS, shown) if shown else None) or {"labels": {}, "files": 0}
        views.append(SiteView(site["hostname"], version["labels"].get("release"), version["files"]))
    return views
