"""Tool sets: what servers say they offer, through the detectors; and where data could flow between them."""
