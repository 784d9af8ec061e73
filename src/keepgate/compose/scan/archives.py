"""Archives of targets: their members are looked at as files are."""

from __future__ import annotations

from pathlib import Path

from keepgate.compose.scan import collect
from keepgate.compose.scan.collect import Collected, Progress
from keepgate.compose.scan.part import Part
from keepgate.model.scan import Coverage, Location
from keepgate.scanner.archive import ESCAPES, Archive


def opened(found: Collected, progress: Progress) -> Part:
    """Take in the members of all archives."""
    part = Part()
    for path in found.archives[:200]:
        progress(f"reading {path}")
        archive = Archive(path)
        number = 0
        for name, data in archive.members():
            number += 1
            inside = Path(name)
            if "node_modules" not in inside.parts[:-1] or path.suffix in (".mcpb", ".dxt"):
                collect.sort(found, inside, f"{path}!/{name}", data, root=f"{path}!")
        for name in archive.escapes[:5]:
            part.findings.append(ESCAPES.at(f"file:{path}", Location(str(path)), name))
        part.coverage += [
            Coverage(f"{count} in {path}", checked=False, why=why) for why, count in archive.left_out.items()
        ]
        part.coverage.append(Coverage(f"the archive {path}", checked=number > 0, why=f"{number} members"))
    return part
