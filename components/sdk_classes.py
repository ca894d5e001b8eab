"""Classes of an SDK's inputs and outputs, each made when somebody asks for it: Cloudflare has 6,300, a site needs 80.

A generated module of classes is cut into them. Its byte code holds what stands before the first class, and each as
compiled bytes; the module's ``__getattr__`` (PEP 562) makes one together with all that its annotations name, so that
whoever resolves those finds them where they always are.
"""

from __future__ import annotations

import marshal
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import CodeType
from typing import Any

MODULES = frozenset({"_inputs.py", "outputs.py"})
Compile = Callable[[bytes, str], CodeType]
"""Source and name of its file → byte code."""

_CLASS = re.compile(rb"^(?:@\S+\n)*class (\w+)", re.MULTILINE)
_AFTER_A_CLASS = re.compile(rb"^(?!@|class\b)\S", re.MULTILINE)
_WORD = re.compile(rb"\w+")
_ALL_INPUTS = re.compile(rb"^from \._inputs import \*$", re.MULTILINE)
#: Its constant is replaced by the classes.
_BODIES = "bodies of the classes"
_ENDING = f"\nfrom {__name__} import made_when_asked\n__getattr__ = made_when_asked(globals(), {_BODIES!r})\n".encode()


def in_pieces(source: bytes, path: str, compiled: Compile) -> CodeType | None:
    """Byte code of a module of classes that makes none of them; None where it holds something else after the first."""
    starts = [*_CLASS.finditer(source)]
    if not starts or _AFTER_A_CLASS.search(source, starts[0].end()):
        return None
    ends = [start.start() for start in starts[1:]] + [len(source)]
    texts = {start[1].decode(): source[start.start() : end] for start, end in zip(starts, ends, strict=True)}
    bodies = {
        name: (marshal.dumps(compiled(text, f"{path}:{name}")), _named(text, texts.keys() - {name}))
        for name, text in texts.items()
    }
    code = compiled(source[: starts[0].start()] + _ENDING, path)
    constants = (marshal.dumps(bodies) if value == _BODIES else value for value in code.co_consts)
    return code.replace(co_consts=tuple(constants))


def made_when_asked(namespace: dict[str, Any], bodies: bytes) -> Callable[[str], Any]:
    """The ``__getattr__`` of a module with these classes, which it makes in ``namespace``."""
    waiting: dict[str, tuple[bytes, tuple[str, ...]]] = marshal.loads(bodies)  # noqa: S302 - of our own byte code

    def make(name: str) -> None:
        code, needed = waiting.pop(name)
        for other in needed:
            if other in waiting:
                make(other)
        exec(marshal.loads(code), namespace)  # noqa: S102, S302 - the module's own code

    def member(name: str) -> Any:
        if name not in waiting:
            raise AttributeError(f"module {namespace['__name__']!r} has no attribute {name!r}")
        make(name)
        return namespace[name]

    return member


def with_inputs_by_name(source: bytes, path: str) -> bytes:
    """A module that imports all inputs, importing those that it names."""
    if not _ALL_INPUTS.search(source):
        return source
    inputs = Path(path).with_name("_inputs.py").read_bytes()
    names = _named(source, {found.decode() for found in _CLASS.findall(inputs)})
    by_name = f"from ._inputs import {', '.join(names)}" if names else ""
    return _ALL_INPUTS.sub(by_name.encode(), source)


def _named(text: bytes, names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({word.decode() for word in _WORD.findall(text)}.intersection(names)))
