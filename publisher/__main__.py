"""Entry point of the plugin: the engine starts it with its own address as the argument."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)


def without_its_init(package: str) -> None:
    """Make a package importable module by module; its ``__init__`` is not run."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    sys.modules[package] = importlib.util.module_from_spec(spec)


# A preview waits for this process, which needs the protocol's messages alone: the SDK takes as long as all the rest.
without_its_init("pulumi")
without_its_init("pulumi.runtime")
# Nothing that is imported is garbage.
gc.disable()

from publisher.plugin import serve

gc.freeze()
gc.enable()

if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
