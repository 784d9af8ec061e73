"""Packages: what a launch or a manifest asks for, known faults and malice by exact version, names, tiers, the closure."""
