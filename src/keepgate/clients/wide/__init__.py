"""Reading the configurations of every known client, for the scanner: wide and tolerant where `formats` is strict.

`keepgate up` and `keepgate clients` rewrite four clients and touch nothing that they do not understand. The scanner
only reads, and must see what any client would start: every dialect, every spelling, entries with errors included.
"""
