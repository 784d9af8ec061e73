"""MCP servers that answer from a table and record what reaches them. Standard library only, no SDK: what they say is
what stands in the table, unknown fields included, and what they heard is what was really sent.

    run.py http|stdio --table FILE --record FILE [--port N] [--cr]

The table (`brain.Table`) says the era; see tests/e2e/catalogue.py for a full one. Any tool call whose arguments carry
`steps`, and any other request whose `_meta` carries `e2e/steps`, is played step by step (`brain.Play`).
"""
