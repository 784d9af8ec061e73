"""Signed notes: the published format, and everything that must not verify."""

from base64 import b64decode, b64encode

import pytest

from keepgate.audit.checkpoint import Checkpoint, EvidenceError, PublicKey, Signer, notes, parse_note

ROOT = bytes(range(32))
SIGNER = Signer("keepgate/00112233445566ff", b"s" * 32)
NOTE = SIGNER.sign(7, ROOT)
OTHER = Signer("keepgate/other", b"s" * 32).sign(7, ROOT)


def test_a_note_has_the_published_form():
    text, signature = NOTE.decode().split("\n\n")
    assert text == f"keepgate/00112233445566ff\n7\n{b64encode(ROOT).decode()}"
    dash, name, value = signature.removesuffix("\n").split(" ")
    assert (dash, name) == ("—", "keepgate/00112233445566ff")
    assert b64decode(value)[:4] == SIGNER.public.hash
    assert len(b64decode(value)) == 4 + 64


def test_a_published_key_is_read():
    """The example of Go's sumdb/note package, where the format comes from."""
    vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    assert PublicKey.parse(vkey).vkey() == vkey


def test_sign_then_verify_returns_the_checkpoint():
    assert PublicKey.parse(SIGNER.public.vkey()).verify(NOTE) == Checkpoint(SIGNER.origin, 7, ROOT)


def test_signatures_of_witnesses_may_stand_beside():
    assert SIGNER.public.verify(NOTE + "— witness.example AAAAAAAA\n".encode()).size == 7


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff\xfe",
        b"a\nb\nc\n\n",
        NOTE.replace(b"\n7\n", b"\n8\n"),
        NOTE.replace(b"\n7\n", b"\n07\n"),
        NOTE.replace(b"\n7\n", b"\n+7\n"),
        NOTE.replace(b"\n7\n", b"\n-7\n"),
        NOTE.replace(b"\n\n", b"\nextension\n\n"),
        NOTE.replace("— keepgate".encode(), b"- keepgate"),
        NOTE.partition(b"\n\n")[0] + b"\n\n",
        NOTE.partition(b"\n\n")[0] + "\n\n— keepgate/00112233445566ff !!!!\n".encode(),
        NOTE.partition(b"\n\n")[0] + "\n\n— keepgate/00112233445566ff AAAA\n".encode(),
        Signer("keepgate/00112233445566ff", b"t" * 32).sign(7, ROOT),
        OTHER,
        OTHER.replace(b" keepgate/other", b" keepgate/00112233445566ff"),
    ],
)
def test_what_this_key_did_not_sign_for_this_log_is_refused(note):
    with pytest.raises(EvidenceError):
        SIGNER.public.verify(note)


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a+00000000+AAAA", SIGNER.public.vkey()[:-4], "x" + SIGNER.public.vkey()]
)
def test_a_malformed_key_is_refused(vkey):
    with pytest.raises(EvidenceError):
        PublicKey.parse(vkey)


def test_a_file_of_notes_is_taken_apart_and_a_torn_last_one_left_out():
    other = SIGNER.sign(9, ROOT)
    whole = NOTE + b"\n" + other + b"\n"
    assert notes(whole) == [NOTE, other]
    assert notes(b"") == []
    for end in range(len(NOTE) + 1, len(whole)):
        assert notes(whole[:end]) == [NOTE]
    assert notes(whole.replace(b"\n9\n", b"\n\0\n")) == [NOTE]  # a hole that a power failure left
    assert parse_note(other).size == 9
