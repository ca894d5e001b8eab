from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        if "tests/real" in str(item.path):
            item.add_marker(pytest.mark.real)
            item.add_marker(pytest.mark.timeout(1200))
