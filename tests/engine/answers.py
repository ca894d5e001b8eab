"""What each origin answers for each path, beside what the release says, as a table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import requests

from publisher.platforms import platform_class
from website import Answer, Site, url_encoded

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
        made.rows[path] = [cell(name, ask(url_encoded(path)), expected, site) for name, ask in origins.items()]
    return made


def paths(site: Site) -> Iterable[str]:
    """Files by their names and clean URLs, folders with and without the slash, redirects, what is not there."""
    for path in sorted(site.files):
        yield f"/{path}"
        if path.endswith("index.html"):
            folder = f"/{path.removesuffix('index.html')}"
            yield from (folder, folder.rstrip("/") or "/")
        elif path.endswith(".html"):
            yield f"/{path.removesuffix('.html')}"
    yield from (rule.source.replace("*", "a/b") for rule in site.rules.redirects)
    yield from ("/no/such/page", "/nosuch.html")


def cell(name: str, answer: requests.Response, expected: Answer, site: Site) -> str:
    """What one origin answered; the edge promises all headers, a platform those its traits name."""
    said = f"{answer.status_code}"
    if expected.location is not None:
        said += f" → {answer.headers.get('Location')}"
    wrong = answer.status_code != expected.status or answer.headers.get("Location") != expected.location
    if expected.file is not None:
        wrong |= not hashlib.sha256(answer.content).hexdigest().startswith(expected.file.sha256)
        headers = [header for header in expected.headers if promises(name, header)]
        missed = [header for header in headers if not has(answer, header, expected.headers[header], site)]
        said += f", {len(headers)} headers" + (f" ≠ {', '.join(missed)}" if missed else "")
    return f"{said} ≠" if wrong else said


def promises(name: str, header: str) -> bool:
    """Whether an origin is to send a header of the release."""
    if name == "edge" or header == "Content-Type":
        return True
    traits = platform_class(name).traits
    return traits.cache_control if header == "Cache-Control" else traits.custom_headers


def has(answer: requests.Response, header: str, value: str, site: Site) -> bool:
    """Whether a header is as expected, or joined with the value every page has; spaces and case do not count."""
    floor = dict(site.rules.floor).get(header)
    accepted = {plain(value)} | ({plain(f"{floor}, {value}")} if floor is not None else set())
    return plain(answer.headers.get(header, "")) in accepted


def plain(value: str) -> str:
    """Without what platforms write differently in types and lists."""
    return value.replace(" ", "").lower()
