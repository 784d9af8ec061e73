"""The nouns every other package speaks in. Standard library only; no I/O, no clock."""
