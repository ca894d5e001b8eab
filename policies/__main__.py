"""Entry point of the pack: the engine starts it, asks it about each resource, and at the end about the whole stack."""

from __future__ import annotations

import atexit
import gc
import sys
from pathlib import Path

# A short process that keeps nearly all it makes: looking for garbage only takes time.
gc.disable()
atexit.register(gc.freeze)

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from policies.pack import serve

if __name__ == "__main__":
    serve()
