"""Follows values from what an attacker gives to what is dangerous, through variables, functions and files.

Labels: `0`, `1`… the parameters of the function at hand; `env` the environment as a whole, `file` contents of files,
`net` an answer from the network, `decoded` a text that was decoded, `secret` what lies where keys are kept. A summary of
each function says where its parameters arrive; summaries are made anew until nothing changes, or until no time is left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from keepgate.scanner.source.code import MAX_DEPTH, Expr, Function, Statement, Unit
from keepgate.scanner.source.meaning import (
    ADDRESSES,
    CONTAINERS,
    NETWORK,
    NOTHING,
    PLAIN,
    Labels,
    brought,
    cleans,
    compares,
    comparing,
    dotted_name,
    passes,
    special,
    terms,
)
from keepgate.scanner.source.sinks import SHELLS, sinks
from keepgate.scanner.source.summary import Hit, LateError, Summary

ROUNDS: Final = 4
MAX_HITS: Final = 60
"""That one function is told to lead to."""


class Analysis:
    """All units of a project together. `late` says when to stop; `finished` is False if it was stopped."""

    def __init__(self, units: Sequence[Unit], late: Callable[[], bool] = lambda: False) -> None:
        self.units = units
        self.late = late
        self.finished = True
        self.by_name: dict[str, list[tuple[Unit, Function]]] = defaultdict(list)
        for unit in units:
            for function in unit.functions:
                self.by_name[function.name].append((unit, function))
        self.summaries: dict[int, Summary] = {id(f): Summary() for u in units for f in u.functions}
        self.outside: dict[int, dict[str, Labels]] = {}
        self.calls = {id(f): _called_names(f) for u in units for f in u.functions}
        changed: set[str] | None = None
        for _ in range(ROUNDS):
            try:
                changed = self._round(changed)
            except LateError:
                self.finished = False
                break
            if not changed:
                break

    def _round(self, changed: set[str] | None) -> set[str]:
        """Go through all functions, or those that call what changed; the names of those whose summary changed now."""
        now: set[str] = set()
        for unit in self.units:
            for function in unit.functions:
                if changed is not None and self.calls[id(function)].isdisjoint(changed):
                    continue
                made, values = _Walk(self, unit, function, self.outside.get(id(unit), {})).summary()
                if not function.name:
                    self.outside[id(unit)] = values
                before = self.summaries[id(function)]
                if before.returns != made.returns or before.hits.keys() != made.hits.keys():
                    now.add(function.name)
                self.summaries[id(function)] = made
        return now

    def called(self, name: str, unit: Unit) -> list[tuple[Unit, Function]]:
        """The functions of ours that a name may stand for: those of the same file first; not too many."""
        last = name.rpartition(".")[2].rpartition("::")[2]
        found = self.by_name.get(last, []) if last else []
        here = [each for each in found if each[0] is unit]
        return here or (found if len(found) <= 3 else [])


def _called_names(function: Function) -> frozenset[str]:
    """The last parts of the names of what a function calls."""
    return frozenset(
        each.text.rpartition(".")[2].rpartition("::")[2]
        for statement in function.body
        for each in statement.value.walk()
        if each.kind == "call"
    )


class _Walk:
    """One function, statement by statement, in the order in which they stand."""

    def __init__(
        self, analysis: Analysis, unit: Unit, function: Function, outside: dict[str, Labels]
    ) -> None:
        self.analysis, self.unit, self.function = analysis, unit, function
        self.values: dict[str, Labels] = {
            **outside,
            **{p: frozenset((str(i),)) for i, p in enumerate(function.params)},
        }
        self.built: set[str] = set()
        self.checked: set[str] = set()
        self.roots: dict[str, frozenset[str]] = {p: frozenset((p,)) for p in function.params}
        self.lists: set[str] = set()
        self.heads: dict[str, Labels] = {}
        self.result = Summary()
        self.known: dict[int, Labels] = {}
        """Labels of expressions, as long as one statement lasts: each is worked out once, however calls are nested."""

    def summary(self) -> tuple[Summary, dict[str, Labels]]:
        for statement in self.function.body:
            self._statement(statement)
        return self.result, self.values

    def _statement(self, statement: Statement) -> None:
        self.known.clear()
        if statement.kind == "check":
            self._look(statement.value)
            self._check(statement.value)
            return
        labels = self.labels(statement.value)
        self._look(statement.value)
        if statement.kind == "return":
            self.result.returns |= labels
        elif statement.kind == "do":
            self._assertion(statement.value)
        elif statement.kind == "assign":
            self._assign(statement, labels)

    def _assign(self, statement: Statement, labels: Labels) -> None:
        names = frozenset(terms(statement.value))
        roots = frozenset(root for name in names for root in self.roots.get(name, (name,)))
        clean = bool(roots & self.checked) and not (roots - self.checked) & set(self.function.params)
        head = self.head(statement.value) if labels else labels
        for target in statement.targets:
            self.values[target] = labels
            self.heads[target] = head
            self.roots[target] = roots | {target}
            if clean:
                self.checked.add(target)
            if self._is_built(statement.value):
                self.built.add(target)
            if self._is_list(statement.value):
                self.lists.add(target)

    def _check(self, condition: Expr) -> None:
        """A condition that a value has to meet: what it names counts as looked at from here on."""
        for part in condition.walk():
            if (part.kind == "call" and comparing(part)) or (part.kind == "join" and compares(part)):
                self._mark(part)

    def _assertion(self, value: Expr) -> None:
        """`validate(x)` for itself: it raises, or x is fine."""
        for part in value.walk():
            if part.kind == "call" and cleans(part.text):
                self._mark(part)

    def _mark(self, part: Expr) -> None:
        for term in terms(part):
            self.checked.add(term)
            self.checked |= {
                each for each in self.roots.get(term, ()) if each in self.roots and each not in CONTAINERS
            }

    def _is_list(self, expr: Expr) -> bool:
        """A list of words with a known program at its head, not a command line."""
        if expr.kind == "name":
            return expr.text in self.lists
        if expr.kind == "join" and expr.parts:
            head = expr.parts[0]
            return self._is_list(head) if expr.built else head.kind == "const" and head.text not in SHELLS
        return False

    def _look(self, value: Expr) -> None:
        """Every call in an expression: what is dangerous, and what it leads to."""
        for part in value.walk():
            if part.kind == "call":
                if self.analysis.late():
                    raise LateError
                for sink in sinks(part, self.unit.language):
                    self._sink(part, sink.kind, sink.matters, built=sink.built)
                self._chained_shell(part)
                self._called(part)
                self._sends(part)

    def _sink(self, call: Expr, kind: str, matters: Iterable[Expr], *, built: bool) -> None:
        for expr in matters:
            if expr.kind == "const" or (built and not self._built_from(expr)):
                continue
            labels = self.head(expr) if kind == "ssrf" else self.labels(expr)
            labels -= self._vetted(expr)
            if kind == "program" and self._is_list(expr):
                continue
            if labels:
                joined = self._built_from(expr) or any(
                    each.kind == "call"
                    and each.text.rpartition(".")[2] in ("join", "Join", "Combine", "resolve", "of", "Path")
                    for each in expr.walk()
                )
                self._hit(Hit(kind, self.unit.file, call.place, call.text, labels, joined=joined))

    def _vetted(self, expr: Expr) -> Labels:
        """The labels of names that a condition has looked at."""
        out: set[str] = set()
        open_: set[str] = set()
        for term in terms(expr):
            name = term.partition(".")[0]
            labels = self.values.get(term, self.values.get(name, NOTHING))
            vetted = term in self.checked or bool(self.roots.get(term, frozenset((term,))) & self.checked)
            (out if vetted else open_).update(labels)
        return frozenset(out - open_)

    def _chained_shell(self, call: Expr) -> None:
        """Rust: `Command::new("sh").arg("-c").arg(x)`."""
        if (
            self.unit.language != "rust"
            or call.text.rpartition(".")[2] not in ("arg", "args")
            or call.base is None
        ):
            return
        texts = {each.text for each in call.base.walk() if each.kind == "const"}
        if texts & SHELLS:
            self._sink(call, "command", call.parts, built=False)

    def _sends(self, call: Expr) -> None:
        """The environment or kept keys that leave by the network."""
        if not any(mark in call.text for mark in NETWORK) and call.text.rpartition(".")[2] not in (
            "post",
            "send",
            "urlopen",
            "request",
            "sendall",
            "put",
            "emit",
            "write",
            "PostAsync",
            "Post",
        ):
            return
        for expr in (*call.parts, *call.named.values()):
            labels = self.labels(expr) & {"env", "secret"}
            if labels:
                self._hit(Hit("leak", self.unit.file, call.place, call.text, labels))

    def _called(self, call: Expr) -> None:
        """What happens to the arguments in a function of ours."""
        for _, function in self.analysis.called(call.text, self.unit):
            if function is self.function:
                continue
            if self.analysis.late():
                raise LateError
            summary = self.analysis.summaries[id(function)]
            if not summary.hits:
                continue
            given, heads = self._arguments(call, function), self._arguments(call, function, head=True)
            lists = self._lists(call, function)
            for hit in list(summary.hits.values()):
                wanted = {int(i) for i in hit.labels if i.isdigit()} - (
                    lists if hit.kind == "program" else set()
                )
                labels = frozenset(
                    label
                    for i in wanted
                    for label in (heads if hit.kind == "ssrf" else given).get(i, NOTHING)
                )
                if labels:
                    self._hit(Hit(hit.kind, hit.file, hit.place, hit.call, labels, hit.joined))

    def _arguments(self, call: Expr, function: Function, *, head: bool = False) -> dict[int, Labels]:
        params = list(function.params)
        skip = 1 if params[:1] in (["self"], ["cls"]) and call.base is not None else 0
        out: dict[int, Labels] = {}
        for index, part in enumerate(call.parts):
            out[index + skip] = (self.head(part) if head else self.labels(part)) - self._vetted(part)
        for name, part in call.named.items():
            if name in params:
                out[params.index(name)] = (self.head(part) if head else self.labels(part)) - self._vetted(
                    part
                )
        return out

    def _lists(self, call: Expr, function: Function) -> set[int]:
        """Which arguments are lists of words."""
        skip = 1 if function.params[:1] in (("self",), ("cls",)) and call.base is not None else 0
        return {index + skip for index, part in enumerate(call.parts) if self._is_list(part)}

    def _hit(self, hit: Hit) -> None:
        if len(self.result.hits) < MAX_HITS:
            known = self.result.hits.get((hit.kind, hit.file, hit.place))
            labels = hit.labels | (known.labels if known else NOTHING)
            self.result.hits[hit.kind, hit.file, hit.place] = Hit(
                hit.kind, hit.file, hit.place, hit.call, labels, hit.joined
            )

    def head(self, expr: Expr, depth: int = 0) -> Labels:
        """The labels of what an address begins with: who decides about its host."""
        if depth > 20:
            return NOTHING
        if expr.kind == "name":
            return self.heads.get(expr.text, self.labels(expr))
        if expr.kind == "join" and expr.built and expr.parts:
            first = expr.parts[0]
            if first.kind != "const":
                return self.head(first, depth + 1)
            open_ = first.text.endswith("://") and len(expr.parts) > 1
            return self.head(expr.parts[1], depth + 1) if open_ else NOTHING
        if expr.kind == "join" and len(expr.parts) == 1 and not expr.named:
            return self.head(expr.parts[0], depth + 1)
        if expr.kind == "attr" and expr.base is not None:
            return (
                self.head(expr.base, depth + 1) if dotted_name(expr) not in self.values else self.labels(expr)
            )
        if expr.kind == "call" and not self.analysis.called(expr.text, self.unit) and not passes(expr):
            return NOTHING
        if expr.kind == "call" and expr.parts and expr.text.rpartition(".")[2] in ADDRESSES:
            return self.head(expr.parts[1 if expr.text == "URL" and len(expr.parts) > 1 else 0], depth + 1)
        return self.labels(expr)

    def labels(self, expr: Expr, depth: int = 0) -> Labels:
        """The labels of an expression."""
        if depth > MAX_DEPTH or expr.kind in ("const", "function"):
            return NOTHING
        known = self.known.get(id(expr))
        if known is None:
            known = self.known[id(expr)] = self._labels(expr, depth)
        return known

    def _labels(self, expr: Expr, depth: int) -> Labels:
        if expr.kind == "name":
            return self.values.get(expr.text, special(expr.text))
        if expr.kind == "attr":
            return self._attr(expr, depth)
        if expr.kind == "call":
            return self._call_labels(expr, depth)
        if compares(expr):
            return NOTHING
        out = NOTHING
        for part in (*expr.parts, *expr.named.values()):
            out |= self.labels(part, depth + 1)
        return out | (self.labels(expr.base, depth + 1) if expr.base is not None else NOTHING)

    def _attr(self, expr: Expr, depth: int) -> Labels:
        dotted = dotted_name(expr)
        if dotted in self.values:
            return self.values[dotted]
        if dotted in ("os.environ", "process.env"):
            return frozenset(("env",))
        base = self.labels(expr.base, depth + 1) if expr.base is not None else NOTHING
        if expr.text in ("length", "size", "name") and base <= {"env"}:
            return NOTHING
        return base - {"env"}  # a single variable is asked for all the time

    def _call_labels(self, expr: Expr, depth: int) -> Labels:
        last = expr.text.rpartition(".")[2].rpartition("::")[2]
        if not {expr.text, last, "." + last}.isdisjoint(PLAIN) or cleans(expr.text):
            return NOTHING
        given = NOTHING
        for part in (*expr.parts, *expr.named.values()):
            given |= self.labels(part, depth + 1)
        ours = self.analysis.called(expr.text, self.unit)
        if ours and not any(function is self.function for _, function in ours):
            out = NOTHING
            for _, function in ours:
                returns = self.analysis.summaries[id(function)].returns
                arguments = self._arguments(expr, function)
                out |= {label for label in returns if not label.isdigit()}
                out |= {label for i in returns if i.isdigit() for label in arguments.get(int(i), NOTHING)}
            return frozenset(out)
        base = self.labels(expr.base, depth + 1) if expr.base is not None else NOTHING
        if expr.text in ("os.environ.get", "os.getenv", "process.env.get") or (
            base == {"env"} and last in ("get", "pop", "setdefault")
        ):
            return NOTHING
        return given | base | brought(expr, last)

    def _is_built(self, expr: Expr) -> bool:
        return (
            expr.built
            or (expr.kind == "name" and expr.text in self.built)
            or any(part.built for part in expr.parts)
        )

    def _built_from(self, expr: Expr) -> bool:
        return any(each.built or (each.kind == "name" and each.text in self.built) for each in expr.walk())


def hits_of(analysis: Analysis) -> Iterator[tuple[Unit, Function, Hit]]:
    """Every dangerous use, with the function whose parameters or own values reach it."""
    for unit in analysis.units:
        for function in unit.functions:
            yield from ((unit, function, hit) for hit in analysis.summaries[id(function)].hits.values())
