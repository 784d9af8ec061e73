from keepgate.model.administrator import Administrator, Passkey


def test_a_second_factor_is_a_shared_secret_or_a_passkey():
    alice = Administrator("alice", ("viewer",), 0.0, password="$argon2id$")
    assert not alice.second_factor
    assert Administrator("alice", ("viewer",), 0.0, totp="sealed").second_factor
    assert Administrator("alice", ("viewer",), 0.0, passkeys=(Passkey("i", "k", 0, "n", 0.0),)).second_factor
