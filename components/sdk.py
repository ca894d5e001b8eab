"""Pulumi's SDKs, imported resource by resource.

The ``__init__`` of an SDK imports every resource it has: 780 modules and 1.2 s for Cloudflare, at every preview, of
which a site needs eight. Here the package is a bare module that imports what is asked of it by name.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib import import_module
from types import ModuleType
from typing import Any

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def lazily(package: str) -> Any:
    """The SDK ``package`` (``pulumi_cloudflare``, or a part: ``pulumi_aws.s3``) without what nobody asks for.

    A package that was imported in full before is returned as it is. Raises ModuleNotFoundError.
    """
    parent = package.rpartition(".")[0]
    if parent:
        lazily(parent)
    if package not in sys.modules:
        spec = importlib.util.find_spec(package)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        bare = importlib.util.module_from_spec(spec)
        bare.__getattr__ = lambda name: _member(bare, name)  # type: ignore[method-assign]
        sys.modules[package] = bare
        if parent:
            setattr(sys.modules[parent], package.rpartition(".")[2], bare)
    return sys.modules[package]


def _member(package: ModuleType, name: str) -> Any:
    """A resource, or the class of an input: generated code keeps ``LoadBalancer`` in ``load_balancer``."""
    if name.startswith("__"):
        raise AttributeError(name)
    home = f"{package.__name__}.{_WORD.sub('_', name.removesuffix('Args')).lower()}"
    for module in (home, f"{package.__name__}._inputs"):
        if importlib.util.find_spec(module) is not None:
            found = getattr(import_module(module), name, None)
            if found is not None:
                return found
    raise AttributeError(f"the SDK {package.__name__} has no {name}")
