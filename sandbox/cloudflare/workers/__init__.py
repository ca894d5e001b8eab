"""Workers: deployed scripts, run in ``workerd``, the real runtime."""

from __future__ import annotations

from sandbox.cloudflare.workers.fleet import Fleet

__all__ = ["Fleet"]
