"""Python, by its own parser."""

from __future__ import annotations

import ast
import warnings
from typing import Final

from keepgate.scanner.source.code import MAX_DEPTH, Expr, Function, Statement, Unit, inlined

_HANDLERS: Final = frozenset(
    "tool resource prompt call_tool read_resource get_prompt register_tool mcp_tool add_tool function_tool route get post put".split()
)
_CONTEXTS: Final = frozenset(("self", "cls", "ctx", "context", "mcp_context"))


def read(text: str, file: str) -> Unit | None:
    """A file; None for what is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    unit = Unit(file, "python")
    outside = Function("", (), [], (1, 1))
    unit.functions.append(outside)
    try:
        _Reader(unit).block(tree.body, outside, 0)
    except RecursionError:
        return None
    return unit


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1


class _Reader:
    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    def block(self, nodes: list[ast.stmt], into: Function, depth: int) -> None:
        for node in nodes if depth < MAX_DEPTH else ():
            self._statement(node, into, depth)

    def _statement(self, node: ast.stmt, into: Function, depth: int) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._function(node, into, depth)
        elif isinstance(node, ast.ClassDef):
            self.block(node.body, into, depth + 1)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._import(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            self._assign(node, into)
        elif isinstance(node, ast.Return) and node.value is not None:
            into.body.append(Statement("return", self.expr(node.value)))
        elif isinstance(node, ast.Expr):
            into.body.append(Statement("do", self.expr(node.value)))
        elif isinstance(node, ast.If | ast.While):
            into.body.append(Statement("check", self.expr(node.test)))
            self.block([*node.body, *node.orelse], into, depth + 1)
        elif isinstance(node, ast.Assert):
            into.body.append(Statement("check", self.expr(node.test)))
        else:
            self._compound(node, into, depth)

    def _compound(self, node: ast.stmt, into: Function, depth: int) -> None:
        if isinstance(node, ast.For | ast.AsyncFor):
            into.body.append(Statement("assign", self.expr(node.iter), _targets(node.target)))
            self.block([*node.body, *node.orelse], into, depth + 1)
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                targets = _targets(item.optional_vars) if item.optional_vars else ()
                into.body.append(
                    Statement("assign" if targets else "do", self.expr(item.context_expr), targets)
                )
            self.block(node.body, into, depth + 1)
        elif isinstance(node, ast.Try | ast.TryStar):
            self.block(node.body, into, depth + 1)
            for handler in node.handlers:
                self.block(handler.body, into, depth + 1)
            self.block([*node.orelse, *node.finalbody], into, depth + 1)
        elif isinstance(node, ast.Match):
            for case in node.cases:
                self.block(case.body, into, depth + 1)
        elif isinstance(node, ast.Raise) and node.exc is not None:
            into.body.append(Statement("do", self.expr(node.exc)))

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef, into: Function, depth: int) -> None:
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        params = tuple(arg.arg for arg in every)
        made = Function(node.name, params, [], _place(node))
        for decorator in node.decorator_list:
            name = _dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if name.rpartition(".")[2] in _HANDLERS:
                made.handler, made.tool = True, node.name
                made.claims = ast.get_docstring(node) or ""
                self._claims(decorator, made)
        if node.name in ("call_tool", "handle_call_tool", "handle_tool_call") or "arguments" in params:
            made.handler, made.tool = True, made.tool or node.name
        defaults = [*node.args.defaults, *(each for each in node.args.kw_defaults if each is not None)]
        for default in defaults:
            made.body.append(Statement("do", self.expr(default)))
        self.unit.functions.append(made)
        self.block(node.body, made, depth + 1)
        if into.name:  # it sees the values of what is around it
            into.body += inlined(made)

    def _claims(self, decorator: ast.expr, made: Function) -> None:
        for word in decorator.keywords if isinstance(decorator, ast.Call) else ():
            if word.arg == "description" and isinstance(word.value, ast.Constant):
                made.claims = str(word.value.value)
            elif word.arg == "annotations":
                made.read_only = "readOnlyHint" in ast.dump(word.value) and _true(word.value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                if alias.asname:
                    self.unit.imports[alias.asname] = alias.name
            elif node.module:
                self.unit.imports[alias.asname or alias.name] = f"{node.module}.{alias.name}"

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign, into: Function) -> None:
        if node.value is None:
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        value = self.expr(node.value)
        names = tuple(name for target in targets for name in _targets(target))
        if isinstance(node, ast.AugAssign):
            value = Expr("join", _place(node), parts=[self.expr(node.target), value], built=True)
        into.body.append(Statement("assign", value, names))

    def expr(self, node: ast.expr, depth: int = 0) -> Expr:  # noqa: C901 # a line for each kind of node
        """An expression."""
        place = _place(node)
        if depth > MAX_DEPTH:
            return Expr("join", place)
        if isinstance(node, ast.Name):
            return Expr("name", place, node.id)
        if isinstance(node, ast.Constant):
            return self._constant(node)
        if isinstance(node, ast.Call):
            return self._call(node, depth)
        if isinstance(node, ast.Attribute):
            return Expr("attr", place, node.attr, self.expr(node.value, depth + 1))
        if isinstance(node, ast.Lambda):
            return self._lambda(node, depth)
        built = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod)
        )
        if isinstance(node, ast.Subscript):
            base, index = self.expr(node.value, depth + 1), self.expr(node.slice, depth + 1)
            if index.kind == "const":
                return Expr("attr", place, index.text, base)
            return Expr("join", place, parts=[base])
        if isinstance(node, ast.Compare):
            kinds = " ".join(type(op).__name__ for op in node.ops)
            return Expr(
                "join",
                place,
                kinds,
                parts=[self.expr(each, depth + 1) for each in (node.left, *node.comparators)],
            )
        if isinstance(node, ast.IfExp):
            return Expr(
                "join", place, parts=[self.expr(node.body, depth + 1), self.expr(node.orelse, depth + 1)]
            )
        inner = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        parts = [self.expr(child, depth + 1) for child in inner]
        loops = [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.comprehension)]
        parts += [self.expr(loop.iter, depth + 1) for loop in loops]
        operator = type(node.op).__name__ if isinstance(node, ast.BoolOp | ast.UnaryOp) else ""
        return Expr("join", place, operator, parts=parts, built=built and len(parts) > 0)

    def _constant(self, node: ast.Constant) -> Expr:
        place = _place(node)
        if isinstance(node.value, str):
            self.unit.texts.append((node.value, place))
            return Expr("const", place, node.value)
        return Expr(
            "const",
            place,
            str(node.value) if not isinstance(node.value, bytes) else node.value.decode("latin-1"),
        )

    def _call(self, node: ast.Call, depth: int) -> Expr:
        name = _dotted(node.func)
        head, dot, rest = name.partition(".")
        if head in self.unit.imports:
            name = self.unit.imports[head] + dot + rest
        base = self.expr(node.func.value, depth + 1) if isinstance(node.func, ast.Attribute) else None
        parts = [
            self.expr(arg.value if isinstance(arg, ast.Starred) else arg, depth + 1) for arg in node.args
        ]
        named = {word.arg or "**": self.expr(word.value, depth + 1) for word in node.keywords}
        return Expr(
            "call", _place(node), name, base, parts, named, built=name.endswith((".format", "format"))
        )

    def _lambda(self, node: ast.Lambda, depth: int) -> Expr:
        place = _place(node)
        made = Function(f"<lambda {place}>", tuple(arg.arg for arg in node.args.args), [], place)
        made.body.append(Statement("return", self.expr(node.body, depth + 1)))
        self.unit.functions.append(made)
        return Expr("function", place, made.name, function=made)


def _targets(node: ast.expr) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute):
        return (_dotted(node),)
    if isinstance(node, ast.Subscript):
        return _targets(node.value)
    return tuple(ast_name.id for ast_name in ast.walk(node) if isinstance(ast_name, ast.Name))


def _dotted(node: ast.expr) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    elif isinstance(node, ast.Call):
        parts.append(_dotted(node.func) + "()")
    return ".".join(reversed(parts))


def _true(node: ast.expr) -> bool:
    """`readOnlyHint=True` or `{"readOnlyHint": True}`."""
    if isinstance(node, ast.Call):
        return any(w.arg == "readOnlyHint" and getattr(w.value, "value", None) is True for w in node.keywords)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return any(
            getattr(k, "value", "") == "readOnlyHint" and getattr(v, "value", None) is True for k, v in pairs
        )
    return False
