"""Policies for money: the stack costs no more a month than it says it may."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from planning.figures import amount, dollars
from policies.policy import Finding, Settings, Stack, StackPolicy
from policies.values import NotKnown

if TYPE_CHECKING:
    from planning.cost import Bill

ROOT = Path(__file__).resolve().parent.parent


def load() -> None:
    """Import what the bill is made with. It takes longer than all judging, and is not needed before the end."""
    for name in ("components.settings", "planning.cost", "planning.declared"):
        import_module(name)


def _keeps_its_budget(stack: Stack, _: Settings) -> Iterator[Finding]:
    if not stack.config:
        raise NotKnown("configuration of the stack")
    from components import settings as declared
    from planning.cost import bill, load_facts
    from planning.declared import declared_of, expected

    own = declared.read(declared.chosen(stack.config))
    facts = load_facts()
    load, guessed = expected(own, ROOT, facts.assumed)
    found = bill(declared_of(own), load, facts)
    budget = own.monthly_budget
    if budget is None:
        needed = f"no budget is stated for edgeMode {own.edge_mode}, which is never free"
        yield Finding(None, f"{needed}: {_sum(found, guessed=guessed)}")
    elif found.total > budget:
        yield Finding(None, f"{_sum(found, guessed=guessed)}; its budget is {dollars(budget)}")


def _sum(found: Bill, *, guessed: bool) -> str:
    parts = ", ".join(f"{name} {dollars(cost)}" for name, cost in found.by_provider.items() if cost)
    unknown = f", and what is unknown: {', '.join(found.unknown)}" if found.unknown else ""
    site = ", with a site of an assumed size" if guessed else ""
    visits = f"{amount(found.load.visits)} visits, {amount(found.load.all_gigabytes)} GB{site},"
    return f"a month of {visits} costs {dollars(found.total)} ({parts}){unknown}"


STACK_KEEPS_ITS_BUDGET = StackPolicy(
    name="stack-keeps-its-budget",
    description="At the traffic it expects, the stack costs no more a month than its budget.",
    reason="A bill that nobody expected is found a month later, when it cannot be taken back.",
    remedy="Look with make cost; change hosts, plans or edgeMode, or the settings budget and traffic.",
    origin="design; docs/cost.md",
    judge=_keeps_its_budget,
)
