from __future__ import annotations

from tools.bench import preview, side_by_side
from tools.bench.comparing import Series, judged
from tools.bench.measuring import Figures


def test_a_large_site_is_published_in_parts_that_a_free_plan_takes_and_whole_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(preview, "_A_DAY", 4)
    original = tmp_path / "original"
    for number in range(9):
        path = original / f"part-{number % 2}" / f"page-{number}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(number))
    (original / "index.html").write_text("home")
    copy = tmp_path / "copy"
    counts = []
    for count in preview.grown(original, copy):
        assert (copy / "index.html").is_file()
        counts.append((count, sum(path.is_file() for path in copy.rglob("*"))))
    assert counts == [(4, 4), (8, 8), (10, 10)]
    assert (copy / "part-1" / "page-7.html").read_text() == "7"


def test_reading_all_files_is_allowed_for_on_top_of_the_two_seconds(tmp_path):
    (tmp_path / "index.html").write_bytes(bytes(1000))
    floor = preview.reading_floor(tmp_path)
    assert floor > 0
    allowed = {claim.others: claim.allowed for claim in preview.claims(preview.LARGE, floor)}
    assert allowed[(preview.EMPTY,)] == preview.ALLOWED + floor
    assert allowed[(preview.UNJUDGED,)] == preview.ALLOWED_POLICIES


def test_all_at_once_is_held_against_the_slowest_platform():
    def took(way, wall):
        return Series(side_by_side.PART, side_by_side.CHANGED, way, (Figures(wall, 1, 1),))

    series = [took("vercel", 10.0), took("gitlab", 20.0), took(side_by_side.ALL, 25.0)]
    (result,) = judged(side_by_side.claims(), series)
    assert (result.beside, result.found, result.kept) == ("gitlab", 1.25, True)
