"""A site in a folder, and what the checks say of it."""

from __future__ import annotations

from website import load_site
from website.checks.report import Findings
from website.checks.settings import Checks
from website.checks.site import Surroundings, check_site

HOST = "www.example.org"


def page(body: str, head: str = "<title>t</title>") -> str:
    """A page whose body begins in line 3."""
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>\n{body}\n</body></html>\n'


def checked(folder, files, settings=None, **around):
    """The report on a site of these files."""
    content = folder / "site"
    for path, text in {"index.html": page(""), **files}.items():
        place = content / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(text if isinstance(text, bytes) else text.encode())
    site = load_site(str(content), cache=folder / "cache")
    findings = Findings(settings or Checks())
    check_site(site, findings, Surroundings(**{"hosts": (HOST, "example.org"), **around}))
    return findings.report(site.release_id, len(site.files))


def places(report):
    """Check, path and line of every finding."""
    return {(found.check, found.path, found.line) for found in report.findings}
