"""Azure on your own machine: Entra ID, Resource Manager, Blob Storage, and Static Web Apps with its serving."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from sandbox.platforms.azure.account import (
    BLOB_SUFFIX,
    CLIENT,
    CLIENT_SECRET,
    DEPLOYMENT,
    LOGIN_NAME,
    MANAGEMENT_NAME,
    OPERATION,
    STATIC_SITE,
    STORAGE_ACCOUNT,
    SUBSCRIPTION,
    TENANT,
)
from sandbox.platforms.azure.blob_service import BlobService
from sandbox.platforms.azure.blob_store import BlobStore
from sandbox.platforms.azure.configuration import NAME
from sandbox.platforms.azure.deployments import Deployments
from sandbox.platforms.azure.entra import Entra
from sandbox.platforms.azure.identity_resources import (
    FederatedIdentityCredential,
    RoleAssignment,
    RoleDefinition,
    UserAssignedIdentity,
)
from sandbox.platforms.azure.resource_manager import ResourceManager
from sandbox.platforms.azure.resources import BlobContainer, ResourceGroup, StaticSite, StorageAccount
from sandbox.platforms.azure.secure_names import SecureNames
from sandbox.platforms.azure.serving import Serving
from sandbox.platforms.azure.shared_access import DelegationKeys, secret_of
from sandbox.store import Store
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World

#: What the services are called in the sandbox's DNS, apart from the sites.
_SERVICES = "azure-services"
_MAX_BODY = 1024**3


def twin(world: World) -> Twin:
    """The Azure twin."""
    folder = world.folder / "azure"
    store, entra, blobs = world.store, Entra(folder), BlobStore(world.store, folder)
    deployments = Deployments(world, folder)
    service = BlobService(blobs, entra, DelegationKeys(secret_of(folder)))
    services = _services(entra, ResourceManager(deployments, entra, world.clock), service)
    world.serve_names("azure", lambda: [found["defaultHostname"] for found in store.all(STATIC_SITE).values()])
    world.serve_names(_SERVICES, lambda: [LOGIN_NAME, MANAGEMENT_NAME, *_accounts(store)])
    plane = web.Application()
    names = SecureNames(world, _SERVICES, services)
    plane.on_startup.extend((names.start, deployments.start))
    plane.on_cleanup.extend((deployments.stop, names.stop))
    return Twin(
        name="azure",
        resource_types=[
            ResourceGroup(store),
            StorageAccount(store, blobs),
            BlobContainer(store, blobs),
            StaticSite(store, deployments),
            UserAssignedIdentity(store),
            FederatedIdentityCredential(store),
            RoleDefinition(store),
            RoleAssignment(store),
        ],
        control=(ControlPlane("azure", plane, _environment, elsewhere=(services,)),),
        public=Serving(deployments).app(),
        sites=lambda: _sites(deployments),
        deployments=lambda: [
            str(one["title"]) for one in store.all(OPERATION).values() if one["status"] == "Succeeded"
        ],
    )


def _services(entra: Entra, manager: ResourceManager, service: BlobService) -> web.Application:
    async def serve(request: web.Request) -> web.StreamResponse:
        host = request.host.rsplit(":", 1)[0].lower()
        if host == LOGIN_NAME:
            return await entra.handle(request)
        if host == MANAGEMENT_NAME:
            return await manager.handle(request)
        return await service.handle(request)

    app = web.Application(client_max_size=_MAX_BODY)
    app.router.add_route("*", "/{tail:.*}", serve)
    return app


def _accounts(store: Store) -> list[str]:
    return [f"{account['accountName']}{BLOB_SUFFIX}" for account in store.all(STORAGE_ACCOUNT).values()]


def _environment(url: str) -> dict[str, str]:
    del url  # the services are reached by their names, through the proxy
    return {
        "ARM_TENANT_ID": TENANT,
        "ARM_CLIENT_ID": CLIENT,
        "ARM_CLIENT_SECRET": CLIENT_SECRET,
        "ARM_SUBSCRIPTION_ID": SUBSCRIPTION,
    }


def _sites(deployments: Deployments) -> Sequence[SiteView]:
    sites = deployments.store.all(STATIC_SITE)
    views = []
    for identifier in sorted(sites, key=lambda found: str(deployments.build(found)["created"]), reverse=True):
        deployment = deployments.store.get(DEPLOYMENT, deployments.build(identifier)["deployment"] or "")
        files = [path for path in deployment["files"] if path != NAME] if deployment else []
        views.append(
            SiteView(sites[identifier]["defaultHostname"], deployment["title"] if deployment else None, len(files))
        )
    return views
