"""Wires the scanner: what clients' files say, the detectors, the advisories, and the forms of the report."""

from __future__ import annotations

from keepgate.compose.scan.run import Options, scan
from keepgate.compose.scan.vet import vet

__all__ = ["Options", "scan", "vet"]
