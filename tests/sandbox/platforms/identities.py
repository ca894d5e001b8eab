"""Resource types as the engine uses them, without a sandbox around: defaults, check, create."""

from __future__ import annotations

from sandbox.provider.resource_type import Refused


async def made(kind, **inputs):
    """Id and outputs; raises Refused also for what the check names."""
    filled = kind.defaults(kind.token.rpartition(":")[2].lower(), inputs, {})
    failures = kind.check(filled)
    if failures:
        raise Refused("; ".join(f"{key}: {reason}" for key, reason in failures))
    return await kind.create(filled)
