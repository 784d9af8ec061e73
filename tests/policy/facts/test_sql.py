"""Kinds of statements: only what is nothing but a SELECT in every dialect is called that."""

import builtins
import sys

import pytest

from keepgate.model.errors import ConfigError
from keepgate.policy.facts import sql
from keepgate.policy.facts.sql import LONGEST, statements
from keepgate.policy.facts.values import Unclear


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "select a, count(*) from t where b = 'x' group by a order by 2 limit 10",
        "SELECT * FROM a JOIN b ON a.id = b.id -- a comment",
        "WITH x AS (SELECT 1 AS n) SELECT n FROM x",
        "SELECT 1 UNION ALL SELECT 2",
        "SELECT 'DROP TABLE users'",
        "(SELECT 1)",
        "SELECT 1; SELECT 2",
    ],
)
def test_what_only_reads(text):
    assert statements(text) == {"select"}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT 1; DROP TABLE users", "drop"),
        ("DELETE FROM users", "delete"),
        ("WITH gone AS (DELETE FROM users RETURNING *) SELECT * FROM gone", "delete"),
        ("WITH x AS (UPDATE t SET a = 1 RETURNING *) SELECT * FROM x", "update"),
        ("SELECT * INTO copy FROM users", "into"),
        ("SELECT * FROM users FOR UPDATE", "lock"),
        ("SELECT pg_sleep(100)", "function"),
        ("SELECT load_file('/etc/passwd')", "function"),
        ("SELECT * FROM dblink('x', 'DROP TABLE users')", "function"),
        ("INSERT INTO t SELECT * FROM users", "insert"),
        ("CREATE TABLE t AS SELECT * FROM users", "create"),
        ("TRUNCATE TABLE users", "truncatetable"),
        ("ALTER TABLE users DROP COLUMN name", "alter"),
        ("SET ROLE admin", "set"),
        ("EXPLAIN ANALYZE DELETE FROM users", "command"),
        ("SELECT '\\'; DROP TABLE users; -- '", "drop"),
    ],
)
def test_what_does_more_has_another_kind_as_well(text, kind):
    try:
        found = statements(text)
    except Unclear:
        return  # not readable in every dialect: nothing is said, which permits nothing
    assert found != {"select"}
    assert kind in found or found - {"select"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "-- nothing",
        "SELECT /*!50000 DROP TABLE users */ 1",
        "not sql at all ((",
        "SELECT 'open",
        "x\0y",
    ],
)
def test_about_what_cannot_be_read_nothing_is_said(text):
    with pytest.raises(Unclear):
        statements(text)


def test_what_would_take_long_is_not_begun():
    with pytest.raises(Unclear):
        statements("SELECT " + "1," * LONGEST)
    with pytest.raises(Unclear):
        statements("SELECT " + "(" * 4000)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def refuse(name, *rest, **options):
        if name.startswith("sqlglot"):
            raise ImportError(name)
        return real(name, *rest, **options)

    sql.parser.cache_clear()
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(ConfigError, match=r"keepgate\[sql\]"):
        sql.parser()
    monkeypatch.undo()
    assert sql.parser() is sys.modules["sqlglot"]
