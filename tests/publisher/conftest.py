from __future__ import annotations

import pytest

from website import Site, load_site


@pytest.fixture
def make_site(tmp_path):
    """Builds a site from path → text; every call makes a folder of its own."""
    made = []

    def build(files: dict[str, str]) -> Site:
        folder = tmp_path / f"content-{len(made)}"
        made.append(folder)
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        return load_site(str(folder), cache=tmp_path / "cache")

    return build
