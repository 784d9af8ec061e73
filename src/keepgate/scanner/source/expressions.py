"""Expressions of eight languages: nodes of a syntax tree to the little language of `code`."""

from __future__ import annotations

from typing import Any, Final

from keepgate.scanner.source import grammars as g
from keepgate.scanner.source.code import MAX_DEPTH, MAX_INLINED, Expr, Function, Unit, inlined

_REGISTERS: Final = frozenset(
    "tool registerTool addTool setRequestHandler registerPrompt registerResource prompt resource AddTool defineTool define_tool createTool add_tool RegisterTool addResource addPrompt fallbackRequestHandler withTool Tool register_tool get post put use".split()
)
_PROPERTIES: Final = frozenset("execute handler run call cb callback invoke toolHandler handle".split())
_COMPARES: Final = (
    "==",
    "===",
    "!=",
    "!==",
    "in",
    "<",
    ">",
    "<=",
    ">=",
    "=~",
    "!~",
    "instanceof",
    "&&",
    "||",
    "and",
    "or",
)


class Expressions:
    """Reads expressions; what reads statements is given by `trees`."""

    def __init__(self, unit: Unit, body: bytes) -> None:
        self.unit, self.body = unit, body
        self.ascii = body.isascii()

    def text(self, node: Any) -> str:
        """The source of a node."""
        return self.body[node.start_byte : node.end_byte].decode(errors="replace")

    def place(self, node: Any) -> tuple[int, int]:
        """Line and column, the column in characters."""
        row, column = node.start_point
        if self.ascii:
            return row + 1, column + 1
        line = self.body[node.start_byte - column : node.start_byte]
        return row + 1, len(line.decode(errors="replace")) + 1

    def visit(self, node: Any, into: Function, depth: int) -> None:
        """Everything in a node, as statements of a function."""
        raise NotImplementedError

    def function(self, node: Any, into: Function, depth: int) -> Function:
        """A function, which becomes one of the unit."""
        raise NotImplementedError

    def is_function(self, node: Any) -> bool:
        """True for a node that is a function by itself."""
        if node.type in ("block", "function"):
            return bool(node.type == "block" and self.unit.language == "ruby")
        return node.type in g.FUNCTIONS

    def expr(self, node: Any, into: Function, depth: int = 0) -> Expr:  # noqa: C901 # a line for each kind of node
        """An expression; functions inside of it become functions of the unit."""
        place, kind = self.place(node), node.type
        if depth > MAX_DEPTH:
            return Expr("join", place)
        if kind in g.NAMES:
            return Expr("name", place, self.text(node).lstrip("$@&"))
        if kind in g.STRINGS:
            return self._string(node, into, depth)
        if self.is_function(node):
            made = self.function(node, into, depth + 1)
            if into.name and len(into.body) < MAX_INLINED:  # it sees the values of what is around it
                into.body += inlined(made)
            return Expr("function", place, made.name, function=made)
        if kind in g.CONSTANTS:
            return Expr("const", place, self.text(node))
        if kind in g.CALLS:
            return self._call(node, into, depth)
        if kind in g.MEMBERS:
            return self._member(node, into, depth)
        if kind in g.SUBSCRIPTS:
            parts = [self.expr(child, into, depth + 1) for child in node.named_children[:3]]
            if len(parts) > 1 and parts[1].kind == "const":
                return Expr("attr", place, parts[1].text, parts[0])
            return Expr("join", place, parts=parts[:1])
        if kind in g.ASSIGNS:  # its value is read once, as a statement: what it stands for is its name
            self.visit(node, into, depth + 1)
            left = node.child_by_field_name(g.ASSIGNS[kind][0])
            named = left is not None and (left.type in g.NAMES or left.type in g.MEMBERS)
            return self.expr(left, into, depth + 1) if named else Expr("join", place)
        return self._join(node, into, depth)

    def _join(self, node: Any, into: Function, depth: int) -> Expr:
        place = self.place(node)
        operator = node.child_by_field_name("operator")
        sign = self.text(operator) if operator is not None else ""
        named: dict[str, Expr] = {}
        parts: list[Expr] = []
        for child in node.named_children[:400]:
            if child.type in ("type_annotation", "type_arguments", "comment", "type_identifier"):
                continue
            if (
                child.type in ("pair", "keyed_element", "array_element_initializer", "field_initializer")
                and len(child.named_children) == 2
            ):
                key, value = child.named_children
                made = self.expr(value, into, depth + 1)
                named[self.text(key).strip("'\":")] = made
            elif child.type == "method_definition":
                made = self.expr(child, into, depth + 1)
                named[made.text] = made
            else:
                parts.append(self.expr(child, into, depth + 1))
        out = Expr("join", place, sign if sign in _COMPARES else "", parts=parts, named=named)
        out.built = sign in ("+", ".", "%", "<<", "..", "+=") or (
            node.type == "binary_expression"
            and sign == ""
            and b"+" in self.body[node.start_byte : node.end_byte][:200]
            and self.unit.language == "csharp"
        )
        self._property_handlers(named)
        return out

    @staticmethod
    def _property_handlers(named: dict[str, Expr]) -> None:
        """`{name, description, execute: async (args) => …}`."""
        if "description" not in named and "name" not in named:
            return
        for key in named.keys() & _PROPERTIES:
            function = named[key].function
            if function is not None:
                function.handler = True
                function.claims = named["description"].text if "description" in named else ""
                function.tool = named["name"].text if "name" in named else key

    def _string(self, node: Any, into: Function, depth: int) -> Expr:
        place = self.place(node)
        holes = [child for child in node.named_children if child.type in g.HOLES or child.type in g.MEMBERS]
        if not holes:
            value = self.text(node)
            quotes = next(
                (q for q in ('"""', "'''", '@"', '"', "'", "`", 'b"', 'r"') if value.startswith(q)), ""
            )
            bare = value[len(quotes) :].removesuffix(quotes.lstrip("@br")) if quotes else value.lstrip(":")
            self.unit.texts.append((bare, place))
            return Expr("const", place, bare)
        parts: list[Expr] = []
        before = self.body[node.start_byte : holes[0].start_byte].decode(errors="replace").lstrip("$@\"'`")
        if before:
            parts.append(Expr("const", place, before))
        for hole in holes:
            inside = (
                hole.named_children if hole.type in ("template_substitution", "interpolation") else [hole]
            )
            parts += [self.expr(child, into, depth + 1) for child in inside]
        return Expr("join", place, parts=parts, built=True)

    def _member(self, node: Any, into: Function, depth: int) -> Expr:
        children = node.named_children
        if not children:
            return Expr("join", self.place(node))
        base = self.expr(children[0], into, depth + 1)
        return Expr("attr", self.place(node), self.text(children[-1]).lstrip("$.?"), base)

    def _call(self, node: Any, into: Function, depth: int) -> Expr:
        place, kind = self.place(node), node.type
        arguments = node.child_by_field_name("arguments")
        parts, named = self._arguments(node, arguments, into, depth)
        if kind in ("subshell", "shell_command_expression"):
            return Expr("call", place, "`", parts=[self._string(node, into, depth)])
        if kind.startswith(("include", "require")):
            inside = [self.expr(child, into, depth + 1) for child in node.named_children]
            return Expr("call", place, kind.removesuffix("_expression"), parts=inside)
        if kind == "macro_invocation":
            return self._macro(node, into, depth)
        base: Expr | None = None
        if kind in ("new_expression", "object_creation_expression"):
            made = (
                node.child_by_field_name("constructor")
                or node.child_by_field_name("type")
                or next(iter(node.named_children), None)
            )
            name = self.text(made) if made is not None else ""
            name = name if kind == "new_expression" else f"new.{name.partition('<')[0]}"
            return self._finished(Expr("call", place, name, None, parts, named))
        function = node.child_by_field_name("function") or node.child_by_field_name("macro")
        owner = (
            node.child_by_field_name("object")
            or node.child_by_field_name("receiver")
            or node.child_by_field_name("scope")
        )
        method = node.child_by_field_name("name") or node.child_by_field_name("method")
        if function is not None:
            called = self.expr(function, into, depth + 1)
            name, base = (
                name_of(called),
                called.base if called.kind == "attr" else called if called.kind == "call" else None,
            )
        else:
            base = self.expr(owner, into, depth + 1) if owner is not None else None
            last = self.text(method) if method is not None else ""
            name = f"{name_of(base)}.{last}" if base is not None else last
        return self._finished(Expr("call", place, name, base, parts, named))

    def _finished(self, call: Expr) -> Expr:
        """With its name as the imports say it, texts that it puts together, and the handlers that it registers."""
        head, dot, rest = call.text.partition(".")
        if head in self.unit.imports:
            call.text = self.unit.imports[head] + dot + rest
        last = call.text.rpartition(".")[2].rpartition("::")[2]
        call.built = last in (
            "Sprintf",
            "format",
            "Format",
            "concat",
            "sprintf",
            "formatted",
            "join",
            "append",
        )
        functions = [part.function for part in call.parts if part.function is not None]
        if last in _REGISTERS and functions:
            texts = [part.text for part in call.parts if part.kind == "const"]
            described = [part.named["description"].text for part in call.parts if "description" in part.named]
            hints = [part.named["annotations"] for part in call.parts if "annotations" in part.named] + [
                p for p in call.parts if "readOnlyHint" in p.named
            ]
            for function in functions:
                function.handler = True
                function.tool = texts[0] if texts else last
                function.claims = " ".join([*texts[1:2], *described])
                function.read_only = any(
                    h.named.get("readOnlyHint") is not None and "true" in _flat(h.named["readOnlyHint"])
                    for h in hints
                )
        return call

    def _arguments(
        self, node: Any, arguments: Any, into: Function, depth: int
    ) -> tuple[list[Expr], dict[str, Expr]]:
        if arguments is None:
            arguments = next(
                (c for c in node.named_children if c.type in ("argument_list", "arguments")), None
            )
        parts: list[Expr] = []
        named: dict[str, Expr] = {}
        children = (
            []
            if arguments is None
            else [arguments]
            if arguments.type in g.STRINGS
            else arguments.named_children[:100]
        )
        block = node.child_by_field_name("block")
        for child in [*children, *([block] if block is not None else [])]:
            if child.type == "pair" and len(child.named_children) == 2:
                named[self.text(child.named_children[0]).strip("'\":")] = self.expr(
                    child.named_children[1], into, depth + 1
                )
            elif child.type == "argument" and len(child.named_children) == 1:
                parts.append(self.expr(child.named_children[0], into, depth + 1))
            elif child.type != "comment":
                parts.append(self.expr(child, into, depth + 1))
        return parts, named

    def _macro(self, node: Any, into: Function, depth: int) -> Expr:
        """Rust: `format!("… {}", x)`; its words are tokens and no expressions. `{name}` inside of the text counts."""
        macro = node.child_by_field_name("macro")
        name = self.text(macro) if macro is not None else ""
        parts: list[Expr] = []
        waiting = list(node.named_children[1:])
        while waiting:
            child = waiting.pop(0)
            if child.type in ("identifier", "self"):
                parts.append(Expr("name", self.place(child), self.text(child)))
            elif child.type in g.STRINGS:
                text = self.text(child)
                self.unit.texts.append((text.strip('"'), self.place(child)))
                for piece in text.split("{")[1:]:
                    word = piece.partition("}")[0].partition(":")[0].strip()
                    if word.isidentifier():
                        parts.append(Expr("name", self.place(child), word))
            else:
                waiting += child.named_children
        return Expr(
            "join" if name in ("format", "concat", "write", "json", "vec", "println") else "call",
            self.place(node),
            "" if name == "format" else name,
            parts=parts,
            built=name == "format",
        )


def name_of(expr: Expr | None) -> str:
    if expr is None:
        return ""
    if expr.kind == "attr":
        return f"{name_of(expr.base)}.{expr.text}"
    if expr.kind == "call":
        return f"{expr.text}()"
    return expr.text if expr.kind == "name" else ""


def _flat(expr: Expr) -> str:
    return (
        expr.text
        if expr.kind in ("name", "const")
        else " ".join(_flat(part) for part in expr.parts) or expr.text
    )
