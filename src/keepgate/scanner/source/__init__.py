"""Source of servers: what an attacker's argument can reach, what the code does besides, and what its tools claim.

A front for each family of languages turns source into `code.Unit`s; one analysis (`taint`) follows values through them,
over functions and files; tables (`sinks`) say what is dangerous in which language.
"""
