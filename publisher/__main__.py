"""Entry point of the plugin: the engine starts it with its own address as the argument."""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parent.parent)


def without_its_init(package: str) -> ModuleType:
    """Make a package importable module by module; its ``__init__`` is not run."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    sys.modules[package] = importlib.util.module_from_spec(spec)
    return sys.modules[package]


def when_first_used(package: str) -> None:
    """Have a package's ``__init__`` run when something of it is looked up, not when it is imported."""
    bare = without_its_init(package)

    def member(name: str) -> Any:
        if name.startswith("__") or bare.__spec__ is None or bare.__spec__.loader is None:
            raise AttributeError(name)
        del bare.__getattr__
        bare.__spec__.loader.exec_module(bare)
        return getattr(bare, name)

    bare.__getattr__ = member  # type: ignore[method-assign]


# A preview waits for this process. It needs the messages of the SDK's protocol and none of the rest, and no client.
without_its_init("pulumi")
without_its_init("pulumi.runtime")
when_first_used("aiohttp")
# Nothing that is imported is garbage.
gc.disable()

from publisher.plugin import serve

gc.freeze()
gc.enable()

if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
