"""Archives of targets: their members are looked at as files are."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from keepgate.compose.scan import collect
from keepgate.compose.scan.collect import Collected, Progress
from keepgate.compose.scan.part import Part
from keepgate.model.scan import Coverage, Location
from keepgate.scanner.archive import ESCAPES, Archive

MAX_ARCHIVES: Final = 200


def opened(found: Collected, progress: Progress) -> Part:
    """Take in the members of all archives."""
    part = Part()
    if len(found.archives) > MAX_ARCHIVES:
        left = len(found.archives) - MAX_ARCHIVES
        part.coverage.append(Coverage(f"{left} archives", checked=False, why=f"more than {MAX_ARCHIVES}"))
    for path in found.archives[:MAX_ARCHIVES]:
        progress(f"reading {path}")
        archive = Archive(path)
        number = passed = 0
        for name, data in archive.members():
            number += 1
            inside = Path(name)
            if "node_modules" in inside.parts[:-1] and path.suffix not in (".mcpb", ".dxt"):
                passed += 1
            else:
                collect.sort(found, inside, f"{path}!/{name}", data, root=f"{path}!", inside=True)
        if passed:
            why = "node_modules (packages are vetted by `keepgate vet`)"
            part.coverage.append(Coverage(f"{passed} members of {path}", checked=False, why=why))
        for name in archive.escapes[:5]:
            part.findings.append(ESCAPES.at(f"file:{path}", Location(str(path)), name))
        part.coverage += [
            Coverage(f"{count} in {path}", checked=False, why=why) for why, count in archive.left_out.items()
        ]
        part.coverage.append(Coverage(f"the archive {path}", checked=number > 0, why=f"{number} members"))
    return part
