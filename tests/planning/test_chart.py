from __future__ import annotations

import struct
from xml.etree import ElementTree

import pytest

from planning.changes import changes
from planning.chart import draw
from planning.model import Stack, estimate


@pytest.fixture(scope="module")
def answer(facts):
    stack = Stack(("netlify", "aws"))
    return estimate(stack, facts), changes(stack, facts)


def test_the_picture_is_drawn_twice_and_is_the_same_every_time(answer, tmp_path):
    found, variants = answer
    first, again = (draw(found, variants, "prod", tmp_path / name) for name in ("one", "two"))
    assert [path.name for path in first] == ["availability.png", "availability.svg"]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_the_picture_is_large_enough_to_read_and_well_formed(answer, tmp_path):
    png, svg = draw(*answer, "prod", tmp_path / "new" / "folder")
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    assert width == 1500
    assert height >= 900
    root = ElementTree.parse(svg).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    titles = [one.text for one in root.iter("{http://purl.org/dc/elements/1.1/}title")]
    assert titles == ["Expected downtime of stack prod"]


def test_nothing_sticks_out_of_the_picture(answer):
    import matplotlib as mpl

    from planning.chart import _STYLE, _figure

    with mpl.rc_context(_STYLE):
        figure = _figure(*answer, "prod")
        figure.draw_without_rendering()
        whole, content = figure.bbox, figure.get_tightbbox().transformed(figure.dpi_scale_trans)
    assert content.x0 >= whole.x0 - 1
    assert content.x1 <= whole.x1 + 1
    assert content.y0 >= whole.y0 - 1
    assert content.y1 <= whole.y1 + 1
