"""What kinds of statements a text of SQL holds, by sqlglot (extra `sql`).

Dialects read the same text differently, and which one the server speaks is not known. So the text must be read by each
of several, and what is said is all that any of them found. Whatever is not known to be harmless has a name of its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from keepgate.model.errors import ConfigError
from keepgate.policy.facts.values import Unclear

LONGEST: Final = 10_000
"""Characters of one text."""
DIALECTS: Final = ("postgres", "mysql", "sqlite", "tsql")


@lru_cache(maxsize=1)
def parser() -> Any:
    """The module. Raises ConfigError where the extra is not installed."""
    try:
        import sqlglot
        import sqlglot.expressions
    except ImportError as error:
        raise ConfigError(
            "a policy looks at SQL: install `keepgate[sql]`, which reads it", code="policy"
        ) from error
    return sqlglot


def statements(text: str) -> set[str]:
    """Kinds of all statements and of what they contain: `select`, `insert`, `drop`, `command`, ...

    `into` is a SELECT that writes, `lock` one that locks, `function` a call of a function that is none of the common
    ones. Raises Unclear for what one of the dialects cannot read, and for MySQL's executable comments.
    """
    if len(text) > LONGEST or "/*!" in text or "/*m!" in text.lower() or "\0" in text:
        raise Unclear
    sqlglot = parser()
    found = set[str]()
    for dialect in DIALECTS:
        try:
            trees = sqlglot.parse(text, dialect=dialect)
            for tree in trees:
                if tree is not None:
                    found |= _kinds(sqlglot.expressions, tree)
        except (sqlglot.errors.SqlglotError, RecursionError) as error:
            raise Unclear from error
    if not found:
        raise Unclear
    return found


def _kinds(exp: Any, tree: Any) -> set[str]:
    found = {"select" if isinstance(tree, exp.Query) else tree.key}
    for node in tree.walk():
        if isinstance(node, exp.DML | exp.DDL | exp.Command) and not isinstance(node, exp.Query):
            found.add(node.key)
        elif isinstance(node, exp.Into):
            found.add("into")
        elif isinstance(node, exp.Lock):
            found.add("lock")
        elif isinstance(node, exp.Anonymous | exp.AnonymousAggFunc | exp.UserDefinedFunction | exp.ReadCSV):
            found.add("function")
    return found
