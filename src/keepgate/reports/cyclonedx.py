"""CycloneDX 1.6: the packages and images that the servers are started from, as a bill of materials."""

from __future__ import annotations

from typing import Any, Final

import orjson

from keepgate.model.scan import Component, ScanReport
from keepgate.reports.text import encodable

_SEVERITY: Final = {"info": "info", "low": "low", "medium": "medium", "high": "high", "critical": "critical"}


def render(report: ScanReport, version: str) -> bytes:
    """The report as one bill of materials, with what is known to be vulnerable or malicious in it."""
    components = {each.purl: each for each in report.components}
    bom: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": "keepgate", "version": version}]}
        },
        "components": [_component(components[purl]) for purl in sorted(components)],
    }
    known = [each for each in report.findings if each.rule in ("package.malicious", "package.vulnerable")]
    if known:
        bom["vulnerabilities"] = [
            {
                "id": finding.evidence.partition(": ")[2].partition(",")[0].partition(":")[0] or finding.rule,
                "description": finding.evidence,
                "recommendation": finding.fix,
                "ratings": [{"severity": _SEVERITY[finding.severity.name.lower()]}],
                "affects": [
                    {"ref": purl} for purl in sorted(components) if _about(finding.evidence, components[purl])
                ],
            }
            for finding in known
        ]
    return orjson.dumps(encodable(bom), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _about(evidence: str, component: Component) -> bool:
    return bool(component.name) and evidence.startswith(component.name)


def _component(each: Component) -> dict[str, Any]:
    out: dict[str, Any] = {
        "type": "container" if each.ecosystem == "oci" else "library",
        "bom-ref": each.purl,
        "name": each.name,
        "purl": each.purl,
    }
    if each.version:
        out["version"] = each.version
    if each.licence:
        out["licenses"] = [{"license": {"name": each.licence}}]
    digest = _hash(each.integrity)
    if digest:
        out["hashes"] = [digest]
    return out


def _hash(integrity: str) -> dict[str, str] | None:
    """`sha512-<base64>` or `sha256:<hex>` as CycloneDX wants it."""
    import base64
    import binascii

    first = integrity.partition(" ")[0]
    if first.startswith("sha256:"):
        return {"alg": "SHA-256", "content": first[7:]}
    if first.startswith("sha512-"):
        try:
            return {"alg": "SHA-512", "content": base64.b64decode(first[7:], validate=True).hex()}
        except (ValueError, binascii.Error):
            return None
    return None
