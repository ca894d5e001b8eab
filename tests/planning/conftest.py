from __future__ import annotations

import pytest

from planning.model import Facts, load_facts

#: The default order of the six platforms.
SIX = ("vercel", "netlify", "aws", "firebase", "azure", "gitlab")


@pytest.fixture(scope="session")
def facts() -> Facts:
    return load_facts()
