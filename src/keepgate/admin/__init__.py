"""The admin face: an HTTP API for the people who run a gateway, under `/admin/api/v1` (docs/admin.md).

A resource is one file in `routes/`: what it uses of the gateway as a Protocol, its shapes, its routes. `compose` hands
in the objects behind those protocols. Nothing here is imported unless `admin` is configured.
"""
