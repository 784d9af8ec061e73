"""The lock: what a server was when somebody approved it, and what has changed since. Pure: no files, no clock.

`fingerprint` says what a definition is, `document` is the file `keepgate.lock`, `compare` finds and classifies changes,
`render` puts them into words. Files and signatures are in `keepgate.stores.lockfile`.
"""
