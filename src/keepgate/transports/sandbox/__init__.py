"""Containment of server processes: what a server may see, touch and reach, and how the kernel is made to hold it."""
