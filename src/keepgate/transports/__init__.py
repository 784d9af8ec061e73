"""Adapters that move bytes: one file per kind of transport, downstream and upstream."""
