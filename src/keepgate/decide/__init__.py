"""The policy decision point: guards in a fixed order, joined by `chain.decide`. Pure, synchronous, fail closed."""
