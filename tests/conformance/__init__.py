"""The official MCP conformance suite, with keepgate in the middle."""
