"""What of a release goes into the repository: the site under ``public/``, its redirects, and the publishing job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from types import MappingProxyType

from publisher.platforms.gitlab.redirects import compiled
from website import File, Site

PUBLIC = "public"
REDIRECTS = f"{PUBLIC}/_redirects"
#: Nothing is built: the job hands over what is in the commit. https://docs.gitlab.com/ci/yaml/#pages
CI_FILE = b"""\
# This branch holds a built site; nothing is built here. Each commit is one publication of one release.
deploy-pages:
  stage: deploy
  image: busybox:stable
  variables:
    GIT_DEPTH: "1"
  script:
    - test -f public/index.html
  pages: true
  artifacts:
    paths:
      - public
    expire_in: 1 day
  rules:
    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH
"""


def repository_files(site: Site) -> Mapping[str, File]:
    """Path in the repository → file."""
    found = compiled(site)
    files = {f"{PUBLIC}/{place}": site.files[path] for path, place in found.places.items()}
    if found.lines:
        files[REDIRECTS] = _generated(REDIRECTS, found.text())
    files[".gitlab-ci.yml"] = _generated(".gitlab-ci.yml", CI_FILE)
    return MappingProxyType(files)


def _generated(path: str, body: bytes) -> File:
    return File(path, hashlib.sha256(body).hexdigest(), len(body), "text/plain; charset=utf-8", "", body)
