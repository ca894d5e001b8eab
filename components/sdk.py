"""Pulumi's SDKs, imported resource by resource, and what a resource needs without the work of type checkers.

The ``__init__`` of an SDK imports every resource it has: 780 modules and 1.2 s for Cloudflare, at every preview, of
which a site needs eight. Here the package is a bare module that imports what is asked of it by name.

Each resource still imports the inputs and outputs of all others, and most of that is the evaluation of annotations that
only type checkers read. So these modules are compiled with postponed annotations (PEP 563), which Pulumi resolves when
it needs them, and without ``TypedDict``. Their byte code lies beside the ordinary one, under a name of its own.
"""

from __future__ import annotations
import __future__

import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, ClassVar

import pulumi.log

from components import sdk_classes

_WORD = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
#: Tag of the byte code (PEP 488); to be raised with every change of ``PostponedLoader.source_to_code``.
_TAG = ".opt-postponed2.pyc"
#: In every generated module that has inputs; the class stays a name that annotations can be resolved to.
_TYPED_DICT, _PLAIN_DICT = (
    b"import NotRequired, TypedDict, TypeAlias",
    b"import NotRequired, TypeAlias; TypedDict = dict",
)


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
        PostponedFinder.packages.add(package.partition(".")[0])
        if parent:
            setattr(sys.modules[parent], package.rpartition(".")[2], bare)
    return sys.modules[package]


def drop_debug_messages() -> None:
    """Send the engine no debug messages of the SDK: a call each, one after the other, 400 and 0.3 s in a preview.

    ``PEACEFULROBOT_DEBUG=1`` keeps them, for ``pulumi up --debug``.
    """
    if not os.environ.get("PEACEFULROBOT_DEBUG"):
        pulumi.log.debug = lambda *_, **__: None


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


class PostponedLoader(SourceFileLoader):
    """Compiles a generated module so that importing it evaluates no annotation."""

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:  # type: ignore[override]
        """Code with annotations as text, without docstrings, and without classes that nobody has asked for."""
        source = bytes(data).replace(_TYPED_DICT, _PLAIN_DICT)
        if Path(path).name in sdk_classes.MODULES:
            return sdk_classes.in_pieces(source, path, _compiled) or _compiled(source, path)
        return _compiled(sdk_classes.with_inputs_by_name(source, path), path)

    def get_data(self, path: str) -> bytes:
        """Read the source, or the byte code of this way of compiling."""
        return super().get_data(_tagged(path))

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        """Write that byte code."""
        super().set_data(_tagged(path), data, _mode=_mode)


class PostponedFinder(MetaPathFinder):
    """Has PostponedLoader load the modules of the packages that ``lazily`` was asked for."""

    packages: ClassVar[set[str]] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The ordinary spec with the other loader; None where the byte code could not be kept: compiling takes long."""
        root, _, rest = fullname.partition(".")
        if not rest or root not in self.packages:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec and spec.origin and type(spec.loader) is SourceFileLoader and _can_be_kept(spec.origin):
            spec.loader = PostponedLoader(fullname, spec.origin)
        return spec


def _compiled(source: bytes, path: str) -> CodeType:
    flag = __future__.annotations.compiler_flag
    code: CodeType = compile(source, path, "exec", flags=flag, dont_inherit=True, optimize=2)
    return code


def _tagged(path: str) -> str:
    return path.removesuffix(".pyc") + _TAG if path.endswith(".pyc") else path


def _can_be_kept(source: str) -> bool:
    byte_code = Path(_tagged(importlib.util.cache_from_source(source, optimization="")))
    return byte_code.exists() or (not sys.dont_write_bytecode and os.access(Path(source).parent, os.W_OK))


sys.meta_path.insert(0, PostponedFinder())
