"""Eight languages by their grammars: nodes of a syntax tree to the little language of `code`."""

from __future__ import annotations

from typing import Any, Final

from keepgate.scanner.source import grammars as g
from keepgate.scanner.source.code import MAX_DEPTH, Expr, Function, Statement, Unit
from keepgate.scanner.source.expressions import Expressions, name_of

_ATTRIBUTES: Final = ("tool", "Tool", "McpServerTool", "McpTool", "prompt", "McpResource")


def read(text: str, file: str, language: str) -> Unit | None:
    """A file; None where its grammar is not installed."""
    parser = g.parser(language)
    if parser is None:
        return None
    body = text.encode("utf-8", errors="replace")
    unit = Unit(file, language)
    outside = Function("", (), [], (1, 1))
    unit.functions.append(outside)
    reader = _Reader(unit, body)
    try:
        reader.visit(parser.parse(body).root_node, outside, 0)
    except RecursionError:
        unit.bare = "nested too deep"
    return unit


class _Reader(Expressions):
    """Statements and functions."""

    # Statements

    def visit(self, node: Any, into: Function, depth: int) -> None:
        """Everything in a node, as statements of a function."""
        if depth > MAX_DEPTH * 2:
            return
        kind = node.type
        if kind in g.ASSIGNS:
            self._assign(node, into, depth)
        elif kind in g.RETURNS:
            for child in node.named_children:
                into.body.append(Statement("return", self.expr(child, into, depth)))
        elif kind in g.CHECKS:
            self._check(node, into, depth)
        elif kind in ("import_statement", "import_declaration"):
            self._import(node)
        elif self.is_function(node):
            self.function(node, into, depth)
        elif kind in g.CALLS or kind in (
            "await_expression",
            "binary_expression",
            "macro_invocation",
            "try_expression",
        ):
            into.body.append(Statement("do", self.expr(node, into, depth)))
        else:
            for child in node.named_children:
                self.visit(child, into, depth + 1)

    def _check(self, node: Any, into: Function, depth: int) -> None:
        condition = node.child_by_field_name("condition") or node.child_by_field_name("value")
        if condition is None and node.named_children:
            condition = node.named_children[-1 if node.type.endswith("modifier") else 0]
        if condition is not None:
            value = self.expr(condition, into, depth + 1)
            into.body.append(Statement("do", value))
            into.body.append(Statement("check", value))
        for child in node.named_children:
            if child != condition:
                self.visit(child, into, depth + 1)

    def _assign(self, node: Any, into: Function, depth: int) -> None:
        left_name, right_name = g.ASSIGNS[node.type]
        left, right = node.child_by_field_name(left_name), node.child_by_field_name(right_name)
        named = node.named_children
        if (
            right is None
            and len(named) > 1
            and node.type in ("variable_declarator", "foreach_statement", "for")
        ):
            left, right = (left or named[0]), named[-1 if node.type == "variable_declarator" else 1]
            if node.type == "foreach_statement" and self.unit.language == "php":
                left, right = named[1], named[0]
        if left is not None and right is not None and right != left:
            value = self.expr(right, into, depth + 1)
            targets = self._targets(left)
            if (
                value.kind == "function"
                and value.function is not None
                and targets
                and value.function.name.startswith("<")
            ):
                value.function.name = targets[0]
            self._alias(targets, value, left)
            if "augmented" in node.type or "compound" in node.type or node.type == "operator_assignment":
                value = Expr(
                    "join", self.place(node), parts=[self.expr(left, into, depth + 1), value], built=True
                )
            into.body.append(Statement("assign", value, targets))
        for child in named:
            if child not in (left, right):
                self.visit(child, into, depth + 1)

    def _targets(self, node: Any) -> tuple[str, ...]:
        if node.type in g.MEMBERS:
            return (name_of(self.expr(node, Function("", (), [], (1, 1)), 0)),)
        if node.type in g.SUBSCRIPTS:
            inner = node.named_children[:1]
            return self._targets(inner[0]) if inner else ()
        if node.type in g.NAMES:
            return (self.text(node).lstrip("$@"),)
        out: list[str] = []
        for child in node.named_children[:60]:
            if child.type not in ("type_annotation", "type", "pair_pattern") or child.type == "pair_pattern":
                out += self._targets(child)
        return tuple(out)

    def _alias(self, targets: tuple[str, ...], value: Expr, left: Any) -> None:
        """`const {exec} = require("child_process")`, `const run = promisify(exec)`."""
        inner = value.parts[0] if value.kind == "join" and len(value.parts) == 1 else value
        if (
            inner.kind == "call"
            and inner.text == "require"
            and inner.parts
            and inner.parts[0].kind == "const"
        ):
            module = _module(inner.parts[0].text)
            for target in targets:
                self.unit.imports[target] = f"{module}.{target}" if "pattern" in left.type else module
        elif inner.kind == "call" and inner.text.endswith("promisify") and inner.parts and targets:
            name = name_of(inner.parts[0])
            self.unit.imports[targets[0]] = self.unit.imports.get(name, name)

    def _import(self, node: Any) -> None:
        source = node.child_by_field_name("source")
        if source is None:
            return
        module = _module(self.text(source).strip("'\"`"))
        waiting = list(node.named_children)
        while waiting:
            child = waiting.pop()
            if child.type == "import_specifier":
                name, alias = child.child_by_field_name("name"), child.child_by_field_name("alias")
                if name is not None:
                    self.unit.imports[self.text(alias or name)] = f"{module}.{self.text(name)}"
            elif child.type == "identifier":
                self.unit.imports[self.text(child)] = module
            elif child != source:
                waiting += child.named_children

    # Functions

    def function(self, node: Any, into: Function, depth: int) -> Function:
        name = node.child_by_field_name("name")
        place = self.place(node)
        made = Function(self.text(name) if name is not None else f"<{place[0]}:{place[1]}>", (), [], place)
        params = node.child_by_field_name("parameters") or node.child_by_field_name("parameter")
        if params is None and self.unit.language in ("ruby", "csharp", "java"):
            params = next(
                (
                    c
                    for c in node.named_children
                    if c.type
                    in (
                        "method_parameters",
                        "block_parameters",
                        "parameter_list",
                        "implicit_parameter",
                        "lambda_parameters",
                    )
                ),
                None,
            )
        made.params = self._params(params, made)
        made.handler = self._declared(node, params)
        if made.handler:
            made.tool = made.name
        self.unit.functions.append(made)
        body = node.child_by_field_name("body")
        if body is None:
            for child in node.named_children:
                if child not in (name, params):
                    self.visit(child, made, depth + 1)
        elif body.type.endswith(("block", "body", "statement")) or body.type in (
            "compound_statement",
            "body_statement",
            "do",
            "begin_block",
            "then",
            "declaration_list",
        ):
            self._body(body, made, depth)
        else:
            made.body.append(Statement("return", self.expr(body, made, depth + 1)))
        return made

    def _body(self, body: Any, made: Function, depth: int) -> None:
        children = body.named_children
        for child in children:
            self.visit(child, made, depth + 1)
        if (
            children
            and self.unit.language in ("ruby", "rust")
            and not self.is_function(children[-1])
            and children[-1].type not in (*g.RETURNS, *g.ASSIGNS, *g.CHECKS)
        ):
            made.body.append(Statement("return", self.expr(children[-1], made, depth + 1)))

    def _params(self, params: Any, made: Function) -> tuple[str, ...]:
        if params is None:
            return ()
        if params.type in g.NAMES:
            return (self.text(params).lstrip("$&*"),)
        out: list[str] = []
        for child in params.named_children:
            if child.type in ("comment", "self_parameter", "attribute_item", "attribute_list"):
                continue
            pattern = child.child_by_field_name("pattern") or child.child_by_field_name("name") or child
            left = pattern.child_by_field_name("left")
            names = [each for each in self._targets(left or pattern) if each] or ["_"]
            if self.unit.language == "go":
                names = [self.text(each) for each in child.children_by_field_name("name")] or ["_"]
                out += names
                continue
            if self.unit.language in ("java", "csharp") and child.child_by_field_name("name") is None:
                names = names[-1:]
            out.append(names[0])
            if len(names) > 1:  # taken apart: every part is of the same argument
                made.body.append(
                    Statement("assign", Expr("name", self.place(child), names[0]), tuple(names[1:]))
                )
        return tuple(out)

    def _declared(self, node: Any, params: Any) -> bool:
        """A handler by what stands before it, or by what it takes."""
        language = self.unit.language
        if language == "go":
            return params is not None and "CallTool" in self.text(params)
        if language == "ruby":
            name = node.child_by_field_name("name")
            return name is not None and self.text(name) in ("call", "perform", "handle")
        before = (
            [node.prev_named_sibling]
            if language == "rust"
            else [c for c in node.children if c.type in ("modifiers", "attribute_list", "decorator")]
        )
        if language in ("typescript", "tsx"):
            before = [node.prev_named_sibling]
        told = " ".join(
            self.text(each)[:300]
            for each in before
            if each is not None
            and each.type in ("attribute_item", "modifiers", "attribute_list", "decorator")
        )
        words = "".join(c if c.isalnum() else " " for c in told).split()
        return any(word in _ATTRIBUTES for word in words)


def _module(name: str) -> str:
    bare = name.removeprefix("node:")
    return {"fs/promises": "fs.promises", "fs-extra": "fs", "graceful-fs": "fs"}.get(
        bare, bare.rpartition("/")[2]
    )
