from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sandbox.contents import Contents

NAMES = st.sampled_from(["aa1", "aa2", "bb1", "cc1", "dd1"])


def test_bytes_are_read_by_their_digest_and_an_unfinished_file_is_none(tmp_path):
    contents = Contents(tmp_path)
    unfinished = contents.unfinished()
    unfinished.write_bytes(b"streamed")
    assert "aa1" not in contents
    contents.adopt("aa1", unfinished)
    contents.put("aa2", b"at once")
    assert (contents.read("aa1"), contents.read("aa2")) == (b"streamed", b"at once")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["aa1", "aa2"]


@given(st.sets(NAMES), st.sets(NAMES), st.lists(st.sets(NAMES)))
def test_dropped_is_what_is_gone_and_nobody_else_needs(tmp_path_factory, there, gone, needed):
    contents = Contents(tmp_path_factory.mktemp("contents"))
    for digest in there:
        contents.put(digest, b"x")
    contents.drop(gone, needed)
    assert {digest for digest in there if digest in contents} == there - (gone - set().union(*needed))
