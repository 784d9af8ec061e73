"""Bytes to messages and back, sans-IO: strict JSON-RPC, both protocol eras as tables, framing, header rules."""
