"""A long run of the real gateway under a mixed load: what leaks, shows; what is not recorded, shows."""
