"""The plugin's entry point, in a process of its own."""

from __future__ import annotations

import ast
import subprocess
import sys

from platforms import PLATFORMS
from tools.deploy.places import ROOT


def after_starting(*expressions: str) -> list[object]:
    program = (
        "import gc, runpy, sys\n"
        f"runpy.run_path({str(ROOT / 'publisher')!r})\n"
        "from publisher.platforms import platform_class\n"
        f"for name in {list(PLATFORMS)!r}:\n"
        "    platform_class(name)\n"
        f"print([{', '.join(expressions)}])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return list(ast.literal_eval(done.stdout))


def test_a_preview_that_asks_no_platform_loads_neither_the_rest_of_the_sdk_nor_the_http_client():
    assert after_starting(
        "'publisher.plugin' in sys.modules", "'pulumi.automation' in sys.modules", "'aiohttp.client' in sys.modules"
    ) == [True, False, False]


def test_the_http_client_is_there_when_a_platform_is_asked():
    assert after_starting(
        "__import__('publisher.retries').retries._healing_errors()[1].__name__", "'aiohttp.client' in sys.modules"
    ) == ["ClientConnectionError", True]


def test_what_a_run_makes_is_collected_as_usual():
    assert after_starting("gc.isenabled()") == [True]
