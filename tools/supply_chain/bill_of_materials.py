"""A CycloneDX 1.6 document of what the project consists of. The same lock files make the same bytes.

https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.deploy.errors import Refused
from tools.supply_chain.locks import LOCKS

_GO_MODULES = "tools/engine/go.mod"
_REQUIRED = re.compile(r"^\s*(?:require\s+)?([\w.\-]+\.[\w.\-]+/\S+)\s+(v\S+)", re.M)
_SECONDS = 600


def write(root: Path, output: Path) -> int:
    """Write the document; returns its number of components."""
    documents = [_of_packages(root / name) for name in LOCKS]
    whole = documents[0]
    for other in documents[1:]:
        whole["components"] += other["components"]
        whole["dependencies"] = whole.get("dependencies", []) + other.get("dependencies", [])
    whole["components"] += list(go_modules(root / _GO_MODULES))
    _name_apart(whole)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(whole, indent=2, sort_keys=True) + "\n", "utf-8")
    return len(whole["components"])


def _of_packages(lock: Path) -> dict[str, Any]:
    """What cyclonedx-py makes of a lock file; every component is called by its own name instead of by its line."""
    program = Path(sys.executable).with_name("cyclonedx-py")
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sbom.json"
        command = [str(program), "requirements", "--output-reproducible", "--sv", "1.6", "--of", "JSON"]
        done = subprocess.run(
            [*command, "-o", str(target), str(lock)], capture_output=True, text=True, check=False, timeout=_SECONDS
        )
        if done.returncode:
            raise Refused(f"no bill of materials of {lock.name}: {done.stderr.strip()[-500:]}")
        found: dict[str, Any] = json.loads(target.read_text("utf-8"))
    return found


def go_modules(path: Path) -> Iterator[dict[str, Any]]:
    """Components for the modules that a ``go.mod`` requires."""
    text = re.sub(r"^replace .*$", "", path.read_text("utf-8"), flags=re.M)
    for name, version in _REQUIRED.findall(text):
        yield {
            "type": "library",
            "name": name,
            "version": version,
            "purl": f"pkg:golang/{name.lower()}@{version}",
            "bom-ref": f"go-{name}",
        }


def _name_apart(document: dict[str, Any]) -> None:
    """References must be unique in a document; those of cyclonedx-py are line numbers of one file."""
    for component in document["components"]:
        component["bom-ref"] = component["purl"]
        component.pop("description", None)
    document["dependencies"] = [{"ref": component["bom-ref"]} for component in document["components"]]
