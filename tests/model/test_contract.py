"""The face of compiled schemas."""

from keepgate.model.contract import Contract, SchemaError


def test_a_contract_promises_nothing_by_itself():
    assert Contract() == Contract(None, None, "", "")


def test_the_error_keeps_its_public_words():
    assert SchemaError("it is too large").public == "it is too large"
