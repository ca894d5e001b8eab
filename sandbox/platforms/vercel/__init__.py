"""Vercel on your own machine: its projects, its API and its serving."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.platforms.vercel.api import TOKEN, Api
from sandbox.platforms.vercel.deployments import Deployments
from sandbox.platforms.vercel.project import Project
from sandbox.platforms.vercel.serving import Serving
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World


def twin(world: World) -> Twin:
    """The Vercel twin."""
    deployments = Deployments(world.store, world.folder / "vercel", world.clock)
    world.serve_names("vercel", lambda: ["*.vercel.app"])
    return Twin(
        name="vercel",
        resource_types=(Project(deployments),),
        control=(ControlPlane("vercel", Api(deployments, world.clock).app(), _environment),),
        public=Serving(deployments).app(),
        sites=lambda: _sites(deployments),
        deployments=lambda: [
            str(one["meta"].get("release"))
            for project in deployments.projects()
            for one in deployments.of_project(project["id"])
        ],
    )


def _environment(url: str) -> dict[str, str]:
    return {"VERCEL_API_URL": url, "VERCEL_API_TOKEN": TOKEN, "VERCEL_TOKEN": TOKEN}


def _sites(deployments: Deployments) -> Sequence[SiteView]:
    views = []
    for project in deployments.projects():
        live = deployments.at(project["domain"])
        release = live["meta"].get("release") if live else None
        views.append(SiteView(project["domain"], release, len(deployments.output(live).static) if live else 0))
    return views
