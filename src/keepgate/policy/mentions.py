"""What a policy reads of the request, from Cedar's JSON form: which facts to fetch, and what its answer depends on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

Path = tuple[str, ...]
"""Attributes from `context` on: `("facts", "path", "within")`."""

DEPTH: Final = {"facts": 3, "input": 2, "time": 2, "auth": 2, "flow": 2, "approvals": 1}
"""How deep each part of the context is read, at least; only of `input` it matters what lies deeper."""


class WholeError(ValueError):
    """A policy that reads a whole record: what it depends on could not be told."""


def reads(body: dict[str, Any]) -> frozenset[Path]:
    """Every path that the conditions of a policy read or ask for. Raises WholeError."""
    return frozenset(path for clause in body.get("conditions", ()) for path in _paths(clause["body"]))


def at_best(body: dict[str, Any]) -> dict[str, Any] | None:
    """What is left of a policy if everything it reads of the context were in favour of the caller.

    It permits all that `body` permits for some context; None for a denial that may not apply.
    """
    if not reads(body):
        return body
    if body["effect"] == "forbid":
        return None
    clauses = [kept for clause in body["conditions"] if (kept := _clause(clause)) is not None]
    return {**body, "conditions": clauses}


def leading(body: dict[str, Any]) -> dict[str, Any]:
    """A permit for what the conditions of a policy demand before they read the context for the first time.

    Where it does not permit, Cedar would stop there: the policy does not apply, and cannot fail either.
    """
    clauses = []
    for clause in body["conditions"]:
        joint = "&&" if clause["kind"] == "when" else "||"
        terms = list(_terms(clause["body"], joint))
        first = next((at for at, term in enumerate(terms) if any(True for _ in _paths(term))), len(terms))
        if first:
            clauses.append({**clause, "body": _joined(terms[:first], joint)})
        if first < len(terms):
            break
    return {**body, "effect": "permit", "conditions": clauses}


def _joined(terms: list[dict[str, Any]], joint: str) -> dict[str, Any]:
    joined = terms[0]
    for term in terms[1:]:
        joined = {joint: {"left": joined, "right": term}}
    return joined


def _clause(clause: dict[str, Any]) -> dict[str, Any] | None:
    """`when` without the terms of its conjunction that read the context, `unless` without those of its disjunction."""
    joint = "&&" if clause["kind"] == "when" else "||"
    kept = [term for term in _terms(clause["body"], joint) if not any(True for _ in _paths(term))]
    if not kept:
        return None
    return {**clause, "body": _joined(kept, joint)}


def _terms(node: dict[str, Any], joint: str) -> Iterator[dict[str, Any]]:
    if joint not in node:
        yield node
        return
    yield from _terms(node[joint]["left"], joint)
    yield from _terms(node[joint]["right"], joint)


def _paths(node: Any) -> Iterator[Path]:
    if isinstance(node, list):
        for each in node:
            yield from _paths(each)
    elif isinstance(node, dict):
        if "has" in node and (base := _chain(node["has"]["left"])) is not None:
            if base or node["has"]["attr"] not in DEPTH:
                yield _cut((*base, node["has"]["attr"]))
        elif (chain := _chain(node)) is not None:
            if len(chain) < DEPTH.get(chain[0] if chain else "", 1):
                name = ".".join(("context", *chain))
                raise WholeError(f"`{name}` is read as a whole: name the attribute that is meant")
            yield _cut(chain)
        else:
            for value in node.values():
                yield from _paths(value)


def _cut(chain: Path) -> Path:
    return chain if chain[0] == "input" else chain[: DEPTH.get(chain[0], 1)]


def _chain(node: Any) -> Path | None:
    """The attributes of `context.a.b`; () for `context`; None for anything else."""
    if not isinstance(node, dict):
        return None
    if node.get("Var") == "context":
        return ()
    inner = node.get(".")
    if inner is None or (base := _chain(inner["left"])) is None:
        return None
    return (*base, inner["attr"])
