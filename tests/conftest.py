from __future__ import annotations

from hypothesis import Phase, settings

# The same examples on every machine: a run that fails can be run again. No deadline: the machine may be busy.
settings.register_profile("repeatable", derandomize=True, print_blob=True, deadline=None)
#: For make mutate, which runs the tests thousands of times and asks only whether one fails.
settings.register_profile(
    "mutation", parent=settings.get_profile("repeatable"), max_examples=25, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("repeatable")


def pytest_terminal_summary(terminalreporter):
    """Print the tables that tests recorded as the property ``table``."""
    for report in terminalreporter.stats.get("passed", []):
        for name, value in report.user_properties:
            if name == "table":
                terminalreporter.write_line(f"\n{value}")
