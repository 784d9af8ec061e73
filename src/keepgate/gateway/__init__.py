"""The gateway program: takes messages from clients, gathers facts, has them decided, records, forwards.

It knows no socket, process, file or clock of its own: everything outside comes through `ports`, wired by `compose`.
"""
