"""keepgate as the OAuth client of the servers behind it: wire.md section 4."""
