"""``python -m tools.engine``: make sure that there is an engine, and print the folder that goes first on PATH."""

from __future__ import annotations

import sys

from rich.console import Console

from tools.bootstrap import cache_folder
from tools.engine.errors import EngineMissing
from tools.engine.install import ensure

try:
    print(ensure(cache_folder(), Console(stderr=True)).folder)
except EngineMissing as missing:
    sys.exit(f"engine: {missing}")
