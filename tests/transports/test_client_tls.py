"""Towards a server over TLS: who is trusted, what is shown to it, and what of that cannot be used."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from keepgate.model.errors import ConfigError
from keepgate.transports.client_tls import context_of
from keepgate.transports.http_client import HttpClient
from keepgate.transports.http_request import parse_url
from tests.support.certificates import Authority, uri
from tests.transports.test_http_client import Fetch


@pytest.fixture
def made(tmp_path):
    """A server's authority, a client's authority, and paths of a client's certificate and key."""
    ours, theirs = Authority("ours"), Authority("theirs")
    cert, key = ours.issue(uri("spiffe://example.org/gate")).write(tmp_path, "client")
    (tmp_path / "client.key").chmod(0o600)
    return tmp_path, ours, theirs, tmp_path / cert, tmp_path / key


def asked(made, tls):
    """What a server that demands certificates of `ours` answers; the subject it saw."""
    directory, ours, theirs, *_ = made
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ours.write(directory, "ours"))
    context.verify_mode = ssl.CERT_REQUIRED
    pair = theirs.server().write(directory, "server")
    context.load_cert_chain(*pair)
    seen = []

    async def serve(reader, writer):
        seen.append(writer.get_extra_info("peercert"))
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()
        writer.close()

    async def work():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        async with server:
            port = server.sockets[0].getsockname()[1]
            client = HttpClient(parse_url(f"https://localhost:{port}/")[0], tls=tls)
            exchange = Fetch()
            client.send(exchange)
            try:
                return await exchange.answer()
            finally:
                client.close()

    return asyncio.run(work()), seen


def test_a_certificate_is_shown_to_a_server_of_the_configured_authority(made):
    directory, _, theirs, cert, key = made
    answer, seen = asked(
        made, context_of(Path(theirs.write(directory, "theirs")).parent / "theirs.pem", cert, key)
    )
    assert answer.data == b"{}"
    assert seen[0]["subjectAltName"] == (("URI", "spiffe://example.org/gate"),)


def test_a_server_of_another_authority_is_not_met(made):
    directory, ours, _, cert, key = made
    ours.write(directory, "wrong")
    with pytest.raises(Exception, match="certificate is not trusted"):
        asked(made, context_of(directory / "wrong.pem", cert, key))


def test_nothing_configured_is_the_systems_own():
    assert context_of(None, None, None) is None


def test_what_cannot_be_used_is_named(made):
    directory, _, _, cert, key = made
    empty = directory / "empty.pem"
    empty.write_text("no certificate")
    open_key, sealed = directory / "open.key", directory / "sealed.key"
    open_key.write_bytes(key.read_bytes())
    open_key.chmod(0o644)
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    sealed.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"x"),
        )
    )
    sealed.chmod(0o600)
    other = Authority().issue(uri("spiffe://example.org/x")).write(directory, "other")
    (directory / "other.key").chmod(0o600)
    for arguments, words in [
        ((directory / "absent.pem", None, None), "does not exist"),
        ((empty, None, None), "holds no certificates"),
        ((None, cert, open_key), "open to other users"),
        ((None, cert, sealed), "unencrypted key"),
        ((None, cert, directory / other[1]), "unencrypted key"),
        ((None, empty, key), "unencrypted key"),
    ]:
        with pytest.raises(ConfigError, match=words):
            context_of(*arguments)
