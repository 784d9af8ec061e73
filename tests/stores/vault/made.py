"""Vaults for the tests."""

from keepgate.stores.vault import DataKeys, LocalWrap


def keys(directory, *bytes_, wraps=()):
    """Data keys wrapped by a key made of one byte; the others open."""
    return DataKeys(directory, [*wraps, *(LocalWrap(bytes([each]) * 32) for each in bytes_ or (0,))])
