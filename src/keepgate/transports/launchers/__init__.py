"""Launchers such as `npx` and `uvx`, resolved before the server runs: what they would fetch at each start is fetched
once, without running any of it, and kept."""
