"""Client files: found, read, rewritten, restored."""
