"""Cosignatures: the example of the specification's shape, and everything that is none."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keepgate.audit.checkpoint import Checkpoint, EvidenceError
from keepgate.audit.cosignature import WitnessKey, cosigned, message, submission
from tests.audit.made import made_log

KEY = Ed25519PrivateKey.from_private_bytes(b"w" * 32)
WITNESS = WitnessKey("w.test/1", KEY.public_key().public_bytes_raw())
NOTE = made_log(4, signed=4).notes[-1]


def line(text: bytes = NOTE, *, time=7, name="w.test/1", key=KEY, hash_=WITNESS.hash) -> bytes:
    body = text.decode().partition("\n\n")[0] + "\n"
    signature = key.sign(f"cosignature/v1\ntime {time}\n{body}".encode())
    return f"— {name} {b64encode(hash_ + time.to_bytes(8, 'big') + signature).decode()}\n".encode()


def test_a_cosigned_checkpoint_says_when():
    checkpoint, time = WITNESS.verify(cosigned(NOTE, line(name="other", hash_=b"1234") + line()))
    assert (checkpoint.size, time) == (4, 7)


def test_the_published_form_of_a_key_reads_back():
    assert WitnessKey.parse(WITNESS.vkey() + "\n").vkey() == WITNESS.vkey()


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "a+b",
        WITNESS.vkey().replace("+", "-"),
        WITNESS.vkey()[:-4],
        "x" + WITNESS.vkey(),
        "+0011aabb+BA==",
    ],
)
def test_what_is_no_key_of_a_witness_is_refused(vkey):
    with pytest.raises(EvidenceError):
        WitnessKey.parse(vkey)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        line(name="w.test/2"),
        line(hash_=b"1234"),
        line(key=Ed25519PrivateKey.from_private_bytes(b"x" * 32)),
        line(made_log(3, signed=3).notes[-1]),
        "— w.test/1 !!!\n".encode(),
        "— w.test/1 AAAA\n".encode(),
    ],
)
def test_what_is_not_signed_by_the_witness_is_refused(lines):
    with pytest.raises(EvidenceError):
        WITNESS.verify(NOTE + lines)


@pytest.mark.parametrize("answer", [b"", b"x\n", line()[:-1], line() + b"\nextra\n", b"<html>\n"])
def test_an_answer_that_is_no_signature_is_refused(answer):
    with pytest.raises(EvidenceError):
        cosigned(NOTE, answer)


def test_a_submission_is_in_the_form_of_the_specification():
    assert submission(3, [b"\0" * 32], b"note\n") == b"old 3\n" + b64encode(b"\0" * 32) + b"\n\nnote\n"
    assert submission(0, [], b"note\n") == b"old 0\n\nnote\n"
    assert message(Checkpoint("o", 1, b"r"), 9) == b"cosignature/v1\ntime 9\no\n1\ncg==\n"
