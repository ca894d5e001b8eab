"""What each origin answers for each path, beside what the release says, as a table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import requests

from platforms import PLATFORMS
from publisher.platforms import platform_class
from website import SPLAT, Answer, Redirect, Site, url_encoded

Ask = Callable[[str], requests.Response]


@dataclass
class Table:
    """Path × origin; each cell says in short what was answered, with ``≠`` and the reason where that is wrong."""

    origins: list[str]
    rows: dict[str, list[str]] = field(default_factory=dict)

    def differences(self) -> list[str]:
        """Wrong cells, named by origin and path."""
        cells = [
            (path, name, cell) for path, row in self.rows.items() for name, cell in zip(self.origins, row, strict=True)
        ]
        return [f"{name} {path}: {cell}" for path, name, cell in cells if "≠" in cell]

    def text(self) -> str:
        """As Markdown; the header lines say for how many headers a row was compared."""
        lines = [["path", *self.origins], ["---"] * (len(self.origins) + 1)]
        lines += [[path, *row] for path, row in self.rows.items()]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def table(site: Site, origins: Mapping[str, Ask]) -> Table:
    """Ask every origin for every path of the site, its rules and two that are not there."""
    made = Table(list(origins))
    for path in dict.fromkeys(paths(site)):
        expected = site.answer(path)
        made.rows[path] = [
            cell(name, ask(url_encoded(path)), promised(name, path, expected, site), site)
            for name, ask in origins.items()
        ]
    return made


def paths(site: Site) -> Iterable[str]:
    """Files by their names and clean URLs, folders with and without the slash, redirects, what is not there.

    The 404 page is asked by paths that are not there only: by its own name some platforms answer 200 and some 404.
    """
    for path in sorted(set(site.files) - {site.rules.not_found}):
        yield f"/{path}"
        if path.endswith("index.html"):
            folder = f"/{path.removesuffix('index.html')}"
            yield from (folder, folder.rstrip("/") or "/")
        elif path.endswith(".html"):
            yield f"/{path.removesuffix('.html')}"
    for rule in site.rules.redirects:
        yield from ([rule.source] if "*" not in rule.source else sorted(splats(rule, site)))
    yield from ("/no/such/page", "/nosuch.html")


def splats(rule: Redirect, site: Site) -> Iterable[str]:
    """Addresses of a rule for a folder: one for each page it leads to, and one that leads to none."""
    before = rule.target.partition(SPLAT)[0]
    if SPLAT in rule.target:
        pages = [f"/{path}".removesuffix(".html") for path in site.files if path.endswith(".html")]
        yield from (rule.source.replace("*", page[len(before) :]) for page in pages if page.startswith(before))
    yield rule.source.replace("*", "a/b")


def cell(name: str, answer: requests.Response, expected: Answer, site: Site) -> str:
    """What one origin answered; the edge promises all headers, a platform those its traits name."""
    said = f"{answer.status_code}"
    if expected.location is not None:
        said += f" → {answer.headers.get('Location')}"
    led = answer.status_code == expected.status and answer.headers.get("Location") == expected.location
    wrong = not (led or adds_slash_its_own_way(name, answer, expected))
    if expected.file is not None:
        wrong |= not hashlib.sha256(answer.content).hexdigest().startswith(expected.file.sha256)
        headers = [header for header in expected.headers if promises(name, header)]
        missed = [header for header in headers if not has(answer, header, expected.headers[header], site)]
        said += f", {len(headers)} headers" + (f" ≠ {', '.join(missed)}" if missed else "")
    return f"{said} ≠" if wrong else said


def promised(name: str, path: str, expected: Answer, site: Site) -> Answer:
    """What an origin is to answer: where it carries over no splat that leads to no page, it says so at once."""
    if name == "edge" or platform_class(name).traits.any_splat or expected.location is None:
        return expected
    led_to = site.answer(expected.location)
    if led_to.status != 404 or led_to.file is None:
        return expected
    own = {"Content-Type": led_to.file.media_type, "Cache-Control": led_to.file.cache_control}
    return replace(led_to, headers={**site.rules.headers_for(path), **own})


def adds_slash_its_own_way(name: str, answer: requests.Response, expected: Answer) -> bool:
    """Whether it is a platform that leads to its own name with the slash, which the edge keeps visitors from."""
    if name == "edge" or platform_class(name).traits.adds_slash or not (expected.location or "").endswith("/"):
        return False
    return answer.status_code == 302 and answer.headers["Location"].endswith(str(expected.location))


def promises(name: str, header: str) -> bool:
    """Whether an origin is to send a header of the release."""
    if name == "edge":
        return header not in {"Content-Type", "Cache-Control"} or everywhere(header)
    traits = platform_class(name).traits
    special = {"Content-Type": traits.content_types, "Cache-Control": traits.cache_control}
    return special.get(header, traits.custom_headers)


def everywhere(header: str) -> bool:
    """Whether each platform sends it, so that the edge does whichever of them serves."""
    return all(promises(name, header) for name in PLATFORMS)


def has(answer: requests.Response, header: str, value: str, site: Site) -> bool:
    """Whether a header is as expected, or joined with the value every page has; spaces and case do not count."""
    floor = dict(site.rules.floor).get(header)
    accepted = {plain(value)} | ({plain(f"{floor}, {value}")} if floor is not None else set())
    return plain(answer.headers.get(header, "")) in accepted


def plain(value: str) -> str:
    """Without what platforms write differently in types and lists."""
    return value.replace(" ", "").lower()
