"""What the policies say of the cases that they refuse, word by word.

``python -m tests.policies.findings`` writes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.policies.cases import every
from tests.policies.judging import judged

FILE = Path(__file__).with_suffix(".txt")


def told() -> str:
    """One line for each finding: policy, resource (of those that judge all together), what is wrong."""
    return "".join(f"{line}\n" for line in _lines())


def _lines() -> Iterator[str]:
    for case in every("FAILING"):
        said = judged(case.policy, *case.given, **case.config)
        for finding, about in zip(said.findings, said.about, strict=True):
            yield f"{case.policy.name} ({about}): {finding.splitlines()[0]}"


if __name__ == "__main__":
    FILE.write_text(told(), "utf-8")
