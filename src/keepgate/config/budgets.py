"""Budgets of the configuration: what is wrong with them, and as the gateway takes them."""

from __future__ import annotations

from collections.abc import Iterator

from keepgate.config.check_identity import Remark
from keepgate.config.sections.budgets import Budget as Section
from keepgate.config.settings import Document
from keepgate.policy.schema import entity


def problems(document: Document) -> Iterator[Remark]:
    """Reasons to refuse them; patterns are looked at by `check`."""
    names = set[str]()
    for number, budget in enumerate(document.budgets):
        for path, text in _problems(budget):
            yield ("budgets", number, *path), text
        if budget.name in names:
            yield ("budgets", number, "name"), f"there is another budget `{budget.name}`"
        names.add(budget.name)


def _problems(budget: Section) -> Iterator[Remark]:
    if not (budget.rate or budget.concurrent or budget.per_day or budget.per_month):
        yield (), "it bounds nothing: name `rate`, `concurrent`, `per_day` or `per_month`"
    if budget.burst and not budget.rate:
        yield ("burst",), "`burst` goes with a `rate`"
    for number, name in enumerate(budget.to):
        try:
            entity(name)
        except ValueError as error:
            yield ("to", number), str(error)
    if len(set(budget.each)) < len(budget.each):
        yield ("each",), "`each` names something twice"
    for bound in ("burst", "per_day", "per_month"):
        most = getattr(budget, bound)
        for pattern, units in {"": 1.0, **budget.costs}.items():
            if most is not None and units > most:
                what = f"what costs {units:g} units" if pattern else "a use, which costs 1 unit,"
                yield (
                    ("costs", pattern) if pattern else (bound,),
                    f"{what} can never be had: `{bound}` is {most:g}",
                )


def dearest(budget: Section) -> float:
    """The highest cost of a use."""
    return max((1.0, *budget.costs.values()))
