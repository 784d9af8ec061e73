"""keepgate as a process, between raw clients and raw servers of our own that record every byte they get."""
