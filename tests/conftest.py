from __future__ import annotations

from hypothesis import settings

# The same examples on every machine: a run that fails can be run again.
settings.register_profile("repeatable", derandomize=True, print_blob=True)
settings.load_profile("repeatable")
