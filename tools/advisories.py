"""Writes the bundled advisory set: OSV records from a table of facts and from OSV dumps, dated and signed.

    tools/advisories.py --facts FACTS.tsv [--osv DIRECTORY] --date 2026-11-21 --key KEYFILE

The table has the columns aliases, severity, class, cwe, ecosystem, package, affected, published. What is cut off is
left out, never guessed: an identifier that is not whole, an event without its version, and a range whose end was cut.
KEYFILE holds an Ed25519 private key (32 bytes in hex) and is made where there is none; its public half must stand in
`keepgate/scanner/packages/advisories.py`.
"""

import argparse
import base64
import json
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

DATA = Path(__file__).resolve().parents[1] / "src/keepgate/scanner/packages/data"
WHOLE = re.compile(r"CVE-\d{4}-\d{4,}|GHSA(-[23456789cfghjmpqrvwx]{4}){3}|MAL-\d{4}-\d{2,}|PYSEC-\d{4}-\d+")
SUMMARY = {
    "malicious-package": "malicious package",
    "rce-vectors": "commands or code of an attacker can be run",
    "auth-missing": "authentication or authorization is missing",
    "path-traversal": "files outside of the allowed directories can be reached",
    "ssrf": "requests to addresses of an attacker's choice can be made",
    "credential-leak": "credentials leak",
    "overprivileged": "more is allowed than should be",
}
ECOSYSTEM = {"npm": "npm", "pypi": "PyPI", "nuget": "NuGet"}
CUT_ALIASES, CUT_RANGES = 90, 80


def events(text: str) -> list[dict[str, Any]]:
    """Ranges of OSV events; one that was cut loses what is not whole."""
    cut = len(text) >= CUT_RANGES
    out = []
    for index, part in enumerate(parts := text.split(";")):
        found = []
        for event in part.split(","):
            kind, _, version = event.partition(":")
            if kind in ("introduced", "fixed", "last_affected") and version:
                found.append({kind: "0" if version == "0.0.0" and kind == "introduced" else version})
        last = index == len(parts) - 1
        if found and not (cut and last and len(found) < 2):
            out.append({"type": "SEMVER", "events": found})
    return out


def record(row: list[str]) -> dict[str, Any]:
    aliases, severity, kind, cwe, ecosystem, package, affected, published = row
    names = aliases.split(",")
    if len(aliases) >= CUT_ALIASES:
        names = names[:-1]
    names = [name for name in names if WHOLE.fullmatch(name)]
    ranges = events(affected)
    for each in ranges:
        each["type"] = "ECOSYSTEM" if ecosystem == "pypi" else "SEMVER"
    return {
        "schema_version": "1.7.3",
        "id": names[0],
        "aliases": names[1:],
        "modified": f"{published}T00:00:00Z",
        "published": f"{published}T00:00:00Z",
        "summary": f"{package}: {SUMMARY[kind]}",
        "affected": [{"package": {"ecosystem": ECOSYSTEM[ecosystem], "name": package}, "ranges": ranges}],
        "database_specific": {"severity": severity.upper(), "cwe_ids": cwe.split(","), "kind": kind},
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--facts", type=Path)
    parser.add_argument("--osv", type=Path)
    parser.add_argument("--date", required=True)
    parser.add_argument("--key", type=Path, required=True)
    given = parser.parse_args()
    records = []
    if given.facts:
        lines = given.facts.read_text().splitlines()[1:]
        records += [record(line.split("\t")) for line in lines if line.strip()]
    if given.osv:
        records += [json.loads(path.read_text()) for path in sorted(given.osv.rglob("*.json"))]
    unique = {}
    for each in records:
        package = each["affected"][0]["package"]
        unique[(each["id"], package["ecosystem"], package["name"])] = each
    ordered = [unique[key] for key in sorted(unique)]
    text = ",\n".join(json.dumps(each, sort_keys=True, separators=(",", ":")) for each in ordered)
    body = f'{{"date":"{given.date}","advisories":[\n{text}\n]}}\n'.encode()
    if not given.key.exists():
        given.key.write_text(Ed25519PrivateKey.generate().private_bytes_raw().hex())
        given.key.chmod(0o600)
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(given.key.read_text().strip()))
    (DATA / "advisories.json").write_bytes(body)
    (DATA / "advisories.sig").write_text(base64.b64encode(key.sign(body)).decode() + "\n")
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    print(f"{len(ordered)} advisories; public key {public.hex()}")


if __name__ == "__main__":
    main()
