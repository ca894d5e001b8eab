from __future__ import annotations

import typing
from types import ModuleType

import pytest

from components.sdk_classes import in_pieces, with_inputs_by_name

SOURCE = b'''from typing import Optional
made = []
def noted(kind):
    made.append(kind.__name__)
    return kind

@noted
class Tree:
    def __init__(self, branches: Optional['Branch'] = None): ...

@noted
class Branch:
    """A part of a Tree."""
    def __init__(self, leaf: 'Leaf', tree: Optional[Tree] = None): ...

@noted
class Leaf: ...

@noted
class Stone: ...
'''


def compiled(source, path):
    return compile(b"from __future__ import annotations\n" + source, path, "exec", dont_inherit=True)


@pytest.fixture
def module():
    made = ModuleType("generated")
    exec(in_pieces(SOURCE, "generated.py", compiled), made.__dict__)
    return made


def test_no_class_is_made_before_it_is_asked_for(module):
    assert module.made == []
    assert module.Leaf.__module__ == "generated"
    assert module.made == ["Leaf"]
    assert module.Leaf is module.Leaf


def test_a_class_comes_with_all_that_its_annotations_name_and_no_more(module):
    hints = typing.get_type_hints(module.Tree.__init__)
    assert sorted(module.made) == ["Branch", "Leaf", "Tree"]
    assert hints["branches"] == typing.Optional[module.Branch]  # noqa: UP045 - as the generated code writes it
    assert typing.get_type_hints(module.Branch.__init__)["leaf"] is module.Leaf


def test_a_name_that_there_is_not_is_an_attribute_error(module):
    with pytest.raises(AttributeError, match="module 'generated' has no attribute 'Nonsense'"):
        module.Nonsense  # noqa: B018


@pytest.mark.parametrize("after", [b"\nleaves = 3\n", b"\nif True:\n    class Late: ...\n", b"\ndef late(): ...\n"])
def test_a_module_with_something_else_after_its_first_class_is_left_whole(after):
    assert in_pieces(SOURCE + after, "generated.py", compiled) is None


def test_a_module_without_classes_is_left_whole():
    assert in_pieces(b"made = []\n", "generated.py", compiled) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"x: 'Leaf'\n", b"from ._inputs import Leaf\nx: 'Leaf'\n"),
        (b"x: Stone | Leaf\n", b"from ._inputs import Leaf, Stone\nx: Stone | Leaf\n"),
        (b"x: Leaflet\n", b"\nx: Leaflet\n"),
    ],
)
def test_of_all_inputs_those_that_a_resource_names_are_imported(tmp_path, text, expected):
    (tmp_path / "_inputs.py").write_bytes(SOURCE)
    whole = b"from ._inputs import *\n" + text
    assert with_inputs_by_name(whole, str(tmp_path / "resource.py")) == expected


def test_a_module_that_imports_no_inputs_stays_as_it_is(tmp_path):
    assert with_inputs_by_name(b"import pulumi\n", str(tmp_path / "resource.py")) == b"import pulumi\n"
