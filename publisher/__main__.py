"""Entry point of the plugin: the engine starts it with its own address as the argument."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from publisher.plugin import serve

if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
