"""The audit log on disk: `open_log` for the gateway, the rest for who asks afterwards (docs/audit.md)."""

from __future__ import annotations

from keepgate.stores.audit.kek import load_kek
from keepgate.stores.audit.kek import parse as parse_key
from keepgate.stores.audit.opening import open_log
from keepgate.stores.audit.segments import Pace, SegmentLog

__all__ = ["Pace", "SegmentLog", "load_kek", "open_log", "parse_key"]
