"""Evidence: the record of a decision, its Merkle tree, signed checkpoints, sealing. Pure; stores do the I/O."""
