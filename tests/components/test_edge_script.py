from __future__ import annotations

import re

import pytest

from components.edge import script

RULES = {"redirects": [], "headers": [], "floor": [], "notFound": None}
COPY = {"directory": "", "notFound": [], "types": {"byEnding": {}, "single": {}}, "files": ""}


def written(**rules):
    config = script.configuration(
        "www.example.org", [("one", "a.example")], {**RULES, **rules}, COPY, health=("/h", "ok")
    )
    return script.source(config)


def test_all_modules_are_in_the_script_each_after_those_it_imports():
    assert sorted(script.MODULES) == sorted(path.name for path in script.FOLDER.glob("*.js"))
    for place, name in enumerate(script.MODULES):
        imported = re.findall(r'from "\./([\w.]+)"', (script.FOLDER / name).read_text())
        assert set(imported) <= set(script.MODULES[:place])


def test_the_script_imports_nothing_and_exports_one_worker():
    text = written()
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert re.findall(r"^export .*?\(", text, re.MULTILINE) == ["export default worker("]


def test_no_two_modules_define_one_name():
    text = written()
    names = re.findall(r"^(?:async )?(?:function|class|const|let) (\w+)", text, re.MULTILINE)
    assert len(names) == len(set(names))


def test_every_import_is_an_export_of_its_module():
    for name in script.MODULES:
        for names, module in re.findall(
            r'^import \{([^}]*)\} from "\./([\w.]+)"', (script.FOLDER / name).read_text(), re.M
        ):
            exported = set(
                re.findall(
                    r"^export (?:async )?(?:function|class|const) (\w+)", (script.FOLDER / module).read_text(), re.M
                )
            )
            assert {one.strip() for one in names.split(",")} <= exported


def test_the_same_release_gives_the_same_script():
    assert written() == written()


def test_the_script_is_far_below_the_limit():
    assert script.compressed_size(written()) < script.MAX_SCRIPT / 100


@pytest.mark.parametrize("text", ["</script>", "\u2028", '"; alert(1); "', "caf\u00e9"])
def test_texts_of_a_release_stay_texts(text):
    line = written(headers=[{"pattern": "/*", "headers": [["X-A", text]]}]).rstrip().splitlines()[-1]
    assert line.isascii()
    assert line.startswith("export default worker({")
    assert line.endswith("});")


def test_hosts_of_redirects_are_known_and_paths_are_not():
    rules = [
        {"source": "/a", "target": "https://one.example/x", "status": 301, "force": False},
        {"source": "/b", "target": "/c", "status": 302, "force": True},
    ]
    config = script.configuration("www.example.org", [], {**RULES, "redirects": rules}, COPY, health=("/h", "ok"))
    assert config["redirectHosts"] == ["one.example"]
