"""Where state is kept: one file per kind of store, each behind a port."""
