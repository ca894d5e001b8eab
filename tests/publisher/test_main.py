"""The plugin's entry point, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from tools.deploy.places import ROOT


def test_the_plugin_starts_without_the_rest_of_the_sdk():
    program = (
        "import gc, runpy, sys\n"
        f"runpy.run_path({str(ROOT / 'publisher')!r})\n"
        "print('pulumi.automation' in sys.modules, 'publisher.plugin' in sys.modules, gc.isenabled())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "True"]
