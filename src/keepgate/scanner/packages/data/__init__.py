"""The advisory set and the names of known packages, as data."""
