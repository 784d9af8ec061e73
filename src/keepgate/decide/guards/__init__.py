"""The guards, one file each. Their order is fixed in `gateway` wiring and in docs/life-of-a-message.md."""
