"""What a call through keepgate costs, beside nginx and other MCP forwarders: see docs/benchmarks.md."""
