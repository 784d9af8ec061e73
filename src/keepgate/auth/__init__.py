"""How callers prove who they are: one file per kind of credential."""
