"""Real MCP servers behind keepgate, driven by the official SDK's client."""
