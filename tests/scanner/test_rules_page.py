"""docs/scan-rules.md is what the rules say. Write it anew: .venv/bin/python -m tests.scanner.test_rules_page"""

from pathlib import Path

from keepgate.scanner.rules import GROUPS, RULES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "scan-rules.md"
HEAD = """# Rules of the scanner

What [`keepgate scan`](scan.md) looks for. The severity is the usual one: a finding may be graver or milder by what
stands there. Ids never change. Written by `python -m tests.scanner.test_rules_page`.
"""
KNOWN = ("OWASP-MCP", "SAFE-T", "CWE-")


def page() -> str:
    parts = [HEAD]
    for title, rules in GROUPS:
        parts.append(f"## {title}\n")
        parts.append("| rule | what | severity | taxonomy | what to do |\n|---|---|---|---|---|")
        parts += [
            f"| `{rule.id}` | {rule.title} | {rule.severity.name.lower()} | {', '.join(rule.taxonomy)} | {rule.fix} |"
            for rule in rules
        ]
        parts.append("")
    return "\n".join(parts)


def test_the_page_is_what_the_rules_say():
    assert PAGE.read_text() == page()


def test_every_rule_is_whole_and_ids_are_unique():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.fix
        assert rule.title
        assert rule.taxonomy
        assert rule.taxonomy[0].startswith("OWASP-MCP")
        assert all(tag.startswith(KNOWN) for tag in rule.taxonomy)


if __name__ == "__main__":
    PAGE.write_text(page())
