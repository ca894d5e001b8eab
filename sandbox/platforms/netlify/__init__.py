"""Netlify on your own machine: its API and its serving."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.platforms.netlify.api import TOKEN, Api
from sandbox.platforms.netlify.deploys import DEPLOYS, SITES, Deploys
from sandbox.platforms.netlify.serving import Serving
from sandbox.twin import ControlPlane, SiteView, Twin
from sandbox.world import World


def twin(world: World) -> Twin:
    """The Netlify twin."""
    deploys = Deploys(world.store, world.folder / "netlify")
    world.serve_names("netlify", lambda: ["*.netlify.app"])
    return Twin(
        name="netlify",
        control=(ControlPlane("netlify", Api(deploys, world.clock).app(), _environment),),
        public=Serving(deploys).app(),
        sites=lambda: _sites(deploys),
        deployments=lambda: [str(one["title"]) for one in deploys.store.all(DEPLOYS).values()],
    )


def _environment(url: str) -> dict[str, str]:
    return {"NETLIFY_API_URL": url, "NETLIFY_AUTH_TOKEN": TOKEN}


def _sites(deploys: Deploys) -> Sequence[SiteView]:
    newest_first = sorted(deploys.store.all(SITES).values(), key=lambda site: -site["number"])
    views = []
    for site in newest_first:
        published = deploys.store.get("netlify:deploy", site["published"]) if site["published"] else None
        files = [path for path in deploys.files(published["id"]) if not path.startswith("_")] if published else []
        views.append(SiteView(f"{site['name']}.netlify.app", published["title"] if published else None, len(files)))
    return views
