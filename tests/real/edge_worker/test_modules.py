"""The Worker's modules one by one, in the runtime that will run them: ``workerd test``."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from components.edge import script
from publisher.edge_copy import table_of
from sandbox.cloudflare.workers.installing import WorkerdMissing, workerd

CASES = Path(__file__).with_name("modules")
FILES = {f"folder/{number}.html": f"page {number}" for number in range(200)} | {"café.html": "coffee", "empty": ""}
TABLE = table_of([(path, hashlib.sha256(text.encode()).hexdigest()) for path, text in FILES.items()])


def configuration(case):
    modules = ", ".join(f'(name = "{name}", esModule = embed "{name}")' for name in ["main.test.js", *script.MODULES])
    given = {"TABLE": TABLE, "LISTED": list(FILES.items())}
    bindings = ", ".join(f'(name = "{name}", json = {json.dumps(json.dumps(value))})' for name, value in given.items())
    return f"""using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "{case}", worker = .cases)]);
const cases :Workerd.Worker = (
  modules = [{modules}],
  bindings = [{bindings}],
  compatibilityDate = "{script.COMPATIBILITY_DATE}"
);
"""


async def run(folder, case):
    """Exit code of ``workerd test`` and all that it said."""
    try:
        binary = await asyncio.to_thread(workerd)
    except WorkerdMissing as missing:
        pytest.skip(str(missing))
    for name in script.MODULES:
        shutil.copy(script.FOLDER / name, folder)
    shutil.copy(CASES / f"{case}.test.js", folder / "main.test.js")
    (folder / "cases.capnp").write_text(configuration(case), "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(str(binary), "test", "cases.capnp"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode, said.decode()


@pytest.mark.parametrize("case", sorted(path.name.removesuffix(".test.js") for path in CASES.glob("*.test.js")))
async def test_the_module_passes_its_tests_in_the_real_runtime(tmp_path, case):
    code, said = await run(tmp_path, case)
    assert code == 0, said
    wanted = re.findall(r"^export const (\w+) =", (CASES / f"{case}.test.js").read_text("utf-8"), re.MULTILINE)
    assert wanted
    assert sorted(re.findall(rf"\[ PASS \] {case}:(\w+)", said)) == sorted(wanted), said
