"""Detectors: they look at text and report findings. They never decide, and they serve gateway and scanner alike."""
