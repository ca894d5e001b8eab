from __future__ import annotations

import json
import shutil

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools.deploy.places import ROOT
from tools.supply_chain.bill_of_materials import write

LOCK = f"click==8.1.0 \\\n    --hash=sha256:{'b' * 64}\n"
GO_MOD = """module example.com/tool

go 1.25.11

require (
	example.org/one v1.2.3 // indirect
	example.org/two/v2 v2.0.0
)

replace example.org/one => example.org/other v1.2.4
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("root")
    (folder / "tools" / "engine").mkdir(parents=True)
    (folder / "requirements.txt").write_text(LOCK)
    (folder / "tools" / "uv-requirements.txt").write_text(LOCK.replace("click==8.1.0", "uv==0.9.0"))
    (folder / "tools" / "engine" / "go.mod").write_text(GO_MOD)
    return folder


@pytest.fixture(scope="module")
def document(root):
    assert write(root, root / "sbom.json") == 4
    return (root / "sbom.json").read_text()


def test_it_names_every_package_and_module_with_its_version_and_the_hashes(document):
    found = {one["purl"]: one for one in json.loads(document)["components"]}
    assert set(found) == {
        "pkg:pypi/click@8.1.0",
        "pkg:pypi/uv@0.9.0",
        "pkg:golang/example.org/one@v1.2.3",
        "pkg:golang/example.org/two/v2@v2.0.0",
    }
    assert "b" * 64 in json.dumps(found["pkg:pypi/click@8.1.0"])


def test_it_is_a_cyclonedx_document(document):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None


def test_the_same_locks_make_the_same_bytes_wherever_they_lie(root, document, tmp_path):
    shutil.copytree(root, tmp_path / "elsewhere")
    write(tmp_path / "elsewhere", tmp_path / "second.json")
    assert (tmp_path / "second.json").read_text() == document


def test_the_project_pins_its_own_bill_of_materials_tool():
    assert "cyclonedx-bom" in (ROOT / "requirements.in").read_text()
