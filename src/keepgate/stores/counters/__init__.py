"""Amounts used of budgets: in memory, and in memory with a copy on disk. Both are a `ports.Counters`."""

from keepgate.stores.counters.memory import MemoryCounters
from keepgate.stores.counters.sqlite import SqliteCounters

__all__ = ["MemoryCounters", "SqliteCounters"]
