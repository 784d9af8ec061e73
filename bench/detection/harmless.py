"""Documents that are certainly harmless: the readmes and guides of what is installed here anyway.

Nothing is copied into the repository. What is found depends on what is installed (`make setup`, `make bench-peers`,
`make bench-detection-peers`), so the report says how many there were.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from email.parser import BytesParser
from pathlib import Path

from bench.detection.items import Item

ROOT = Path(__file__).resolve().parents[2]
PLACES = (
    ROOT / ".venv",
    ROOT / ".uv",
    ROOT / ".cache" / "peers",
    ROOT / ".cache" / "bench",
    ROOT / ".cache" / "detection",
)
LONGEST = 64 * 1024
SHORTEST = 200
SECURITY = (
    "security vulnerab attack exploit malicious malware injection credential encrypt cryptograph authenticat authoriz "
    "jailbreak adversar threat guardrail sandbox csrf xss oauth jwt secret"
).split()
"""Words of the trade; a text in which they are frequent is documentation of security."""


def body_of(metadata: bytes) -> str:
    """The readme in a package's METADATA: the payload, or the old Description header."""
    parsed = BytesParser().parsebytes(metadata)
    payload = parsed.get_payload()
    return payload if isinstance(payload, str) and payload.strip() else parsed.get("Description", "")


def texts() -> Iterator[tuple[str, str]]:
    """Name and text of each document."""
    for place in PLACES:
        if not place.exists():
            continue
        for file in sorted(place.rglob("*.dist-info/METADATA")):
            yield file.parent.name.removesuffix(".dist-info"), body_of(file.read_bytes())
        for file in sorted(place.rglob("*")):
            if (
                file.suffix.lower() in {".md", ".rst"}
                and "license" not in file.name.lower()
                and file.is_file()
            ):
                yield f"{file.parent.name}/{file.name}", file.read_text(errors="replace")
    for file in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]:
        yield f"keepgate/{file.relative_to(ROOT)}", file.read_text()


def about_security(text: str) -> bool:
    """At least one word in sixty is one of the trade, or the text speaks of attacks on models."""
    lower = text.lower()
    if "prompt injection" in lower or "tool poisoning" in lower:
        return True
    hits = sum(lower.count(word) for word in SECURITY)
    return hits >= 5 and hits * 60 >= len(lower.split())


def items(found: Iterable[tuple[str, str]] | None = None) -> list[Item]:
    """Each text once, as `documentation` or `security documentation`; a long one is cut at 64 KiB."""
    seen: set[bytes] = set()
    out: list[Item] = []
    for name, whole in texts() if found is None else found:
        text = whole[:LONGEST].strip()
        digest = hashlib.sha256(" ".join(text.split()).encode(errors="replace")).digest()
        if len(text) < SHORTEST or digest in seen:
            continue
        seen.add(digest)
        source = "security documentation" if about_security(text) else "documentation"
        out.append(
            Item(f"{name}#{digest.hex()[:8]}", source, "tool_output", attack=False, text=text, group=name)
        )
    return out
