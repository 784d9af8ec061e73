"""docs/rules.md is made from the rules: `python -m tests.detect.test_rules_page` writes it."""

from importlib import resources
from pathlib import Path

from keepgate.detect.entities import RULES as CLUES
from keepgate.detect.packs import parse
from keepgate.detect.rules import PHRASES, RULES
from keepgate.detect.weigh import HIDDEN, QUOTED, THRESHOLD

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules.md"
HEAD = f"""# Rules

Written by `python -m tests.detect.test_rules_page`. [content.md](content.md) says what follows from a finding,
[check.md](check.md) how to ask. Cases (hits, near misses, known misses) are in `tests/detect/cases` and
`tests/detect/corpus.py`.

Taxonomies: OWASP MCP Top 10 (`OWASP-MCP…`), OWASP LLM 2025 (`OWASP-LLM…`), SAFE-MCP (`SAFE-T…`), CWE.

## Structures

A structure is several meanings in one sentence, in any language of the lexicon and in any view of the text: what was
decoded, unhidden or read another way. None decides alone. Families within reach are added up, in a definition over all
of its strings: from {THRESHOLD["definition"]:g} in a definition, {THRESHOLD["content"]:g} in a result and
{THRESHOLD["prompt"]:g} in a prompt it is reported as likely. What is quoted or spoken about counts {QUOTED:g} of its
weight, a hidden text adds {HIDDEN:g}.

| rule | finds | family | definition | result | prompt | taxonomy |
|---|---|---|---|---|---|---|
"""


def pack():
    return parse(resources.files("keepgate.detect.packs").joinpath("secrets.toml").read_text())


def page() -> str:
    out = [HEAD]
    for phrase in PHRASES:
        weights = " | ".join(f"{weight:g}" for weight in phrase.weights)
        out.append(
            f'| <a id="{phrase.id}"></a>`{phrase.id}` | {phrase.title} | {phrase.family} | {weights} '
            f"| {', '.join(phrase.taxonomy)} |\n"
        )
    out.append(
        "\n## Definitions\n\nWhat a tool definition gives away beside its sentences; weighed together with them.\n\n"
    )
    out.append("| rule | finds | family | definition | taxonomy |\n|---|---|---|---|---|\n")
    out.extend(
        f'| <a id="{rule}"></a>`{rule}` | {title} | {family} | {weight:g} | {", ".join(taxonomy)} |\n'
        for rule, title, family, weight, taxonomy in CLUES
    )
    out.append(
        "\n## Secrets by pack\n\nFrom `src/keepgate/detect/packs/secrets.toml`, in the form that gitleaks reads.\n\n"
    )
    out.append("| rule | finds | confidence |\n|---|---|---|\n")
    out.extend(
        f'| <a id="{rule.id}"></a>`{rule.id}` | {rule.title} | {rule.confidence} |\n' for rule in pack()
    )
    out.append("\n## Patterns\n\nIn another channel than the one named a pattern is `possible` at most.\n\n")
    out.append("| rule | finds | confidence | only in | taxonomy |\n|---|---|---|---|---|\n")
    out.extend(
        f'| <a id="{rule.id}"></a>`{rule.id}` | {rule.title} | {rule.confidence} | {rule.only or ""} '
        f"| {', '.join(rule.taxonomy)} |\n"
        for rule in RULES
    )
    return "".join(out)


def test_the_page_of_rules_is_current():
    assert PAGE.read_text() == page(), "run python -m tests.detect.test_rules_page"


if __name__ == "__main__":
    PAGE.write_text(page())
