"""What several test packages share: real peers, processes, free ports. Nothing here knows keepgate's inside."""
