"""The scanner: what MCP servers are before they run, from configurations, packages, tools and source, never running them.

It reads nothing by itself that a client or an outsider formats: `compose` hands it entries, texts and detectors.
"""
