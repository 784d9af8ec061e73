"""Coming up and going down: addresses, certificates, requests and streams in flight."""

import datetime
import errno
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keepgate.model.errors import ConfigError, LocalError
from keepgate.transports import serve
from keepgate.transports.http_rules import Limits
from tests.transports.http_peer import LOOPS, PATIENCE, serving

pytestmark = pytest.mark.parametrize("loop", LOOPS)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(*pem))
    return str(folder / "cert.pem"), str(folder / "key.pem")


def test_the_real_port_is_told(loop):
    with serving(loop) as server:
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert server.port > 0
        with server.connect() as client:
            assert client.ask()[0] == 200


def test_a_port_in_use_is_named_with_the_cure(loop):
    with (
        serving(loop) as first,
        pytest.raises(ConfigError, match=rf"port {first.port} .* in use; .* `listen`"),
    ):
        serving(loop, port=first.port).__enter__()


@pytest.mark.parametrize(
    ("host", "text"),
    [("192.0.2.1", "not an address of this machine"), ("no.such.host.invalid", "cannot listen")],
)
def test_an_address_that_is_not_ours_is_named(loop, host, text):
    with pytest.raises(ConfigError, match=text):
        serving(loop, host=host, hosts=["x"]).__enter__()


@pytest.mark.parametrize(("number", "text"), [(errno.EACCES, "above 1023"), (errno.ENOBUFS, "cannot listen")])
def test_other_reasons_are_named_too(loop, number, text):
    assert text in serve._cannot_bind("127.0.0.1", 80, OSError(number, "no"))


def test_all_addresses_without_names_is_refused_before_anyone_can_connect(loop):
    with pytest.raises(ConfigError, match="allowed hosts"):
        serving(loop, host="0.0.0.0").__enter__()


def test_a_web_application_that_cannot_start_ends_it(loop):
    async def broken(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no"})

    with pytest.raises(LocalError, match="could not start"):
        serving(loop, asgi=broken).__enter__()


# TLS


def trusting(certificate):
    return ssl.create_default_context(cafile=certificate[0])


def test_tls_is_spoken_with_a_certificate(loop, certificate):
    with serving(loop, tls=certificate) as server, server.connect(trusting(certificate)) as client:
        assert server.url.startswith("https://")
        assert client.socket.version() == "TLSv1.3"
        assert b'"secure": true' in client.ask()[2]
        origin = f"https://localhost:{client.port}"
        assert client.ask(headers=f"Origin: {origin}\r\n")[1]["access-control-allow-origin"] == origin
        assert client.ask("/other")[0] == 200


def test_a_refusal_over_tls_is_heard_to_the_end(loop, certificate):
    with serving(loop, tls=certificate) as server, server.connect(trusting(certificate)) as client:
        client.send(b"nonsense\r\n\r\n")
        assert client.answer()[0] == 400
        assert client.rest() == b""


def test_a_stream_over_tls_drops_a_slow_reader(loop, certificate):
    with serving(loop, tls=certificate) as server, server.connect(trusting(certificate)) as client:
        client.send(client.request("/mcp/stream"))
        stream = server.endpoint.held.get(timeout=PATIENCE)
        sent = 0
        while server.call(stream.send, b"x" * 100_000):
            sent += 1
            assert sent < 400
        assert server.endpoint.gone.get(timeout=PATIENCE)


def test_old_tls_is_refused(loop, certificate):
    context = trusting(certificate)
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with serving(loop, tls=certificate) as server:
        with pytest.raises(ssl.SSLError):
            server.connect(context)
        with server.connect(trusting(certificate)) as client:
            assert client.ask()[0] == 200


def test_plain_text_to_a_tls_port_gets_nothing(loop, certificate):
    with serving(loop, tls=certificate) as server, server.connect() as client:
        client.send(client.request())
        assert b"HTTP" not in client.rest()
        with server.connect(trusting(certificate)) as other:
            assert other.ask()[0] == 200


@pytest.mark.parametrize("which", ["missing", "garbage", "mismatch"])
def test_a_certificate_that_cannot_be_used_is_named(loop, certificate, which, tmp_path):
    other = tmp_path / "other.pem"
    if which == "garbage":
        other.write_text("garbage")
    if which == "mismatch":
        other = certificate[0]
    with pytest.raises(ConfigError, match=r"cannot use the certificate `.*cert\.pem`"):
        serving(loop, tls=(certificate[0], str(other))).__enter__()


# Going down


def test_what_is_in_flight_is_finished_and_what_is_idle_closed(loop):
    with serving(loop, grace=PATIENCE) as server, server.connect() as busy, server.connect() as idle:
        assert idle.ask()[0] == 200
        busy.send(busy.request("/mcp/later"))
        responder = server.endpoint.held.get(timeout=PATIENCE)
        server.stop()
        assert idle.rest() == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port))
        assert not server.done.is_set()
        server.call(responder.respond, 200, {}, b"done")
        status, headers, body = busy.answer()
        assert (status, headers["connection"], body) == (200, "close", b"done")
        assert busy.rest() == b""
        assert server.done.wait(PATIENCE)


def test_a_request_that_is_arriving_is_still_answered(loop):
    with serving(loop, grace=PATIENCE) as server, server.connect() as client, server.connect() as idle:
        data = client.request()
        client.send(data[:-1])
        assert idle.ask()[0] == 200
        server.stop()
        assert idle.rest() == b""
        client.send(data[-1:])
        status, headers, _ = client.answer()
        assert (status, headers["connection"]) == (200, "close")
        assert server.done.wait(PATIENCE)


def test_after_the_grace_period_a_stream_gets_its_end_and_a_call_an_answer(loop):
    with serving(loop, grace=0.05) as server, server.connect() as reader, server.connect() as caller:
        reader.send(reader.request("/mcp/stream"))
        stream = server.endpoint.held.get(timeout=PATIENCE)
        caller.send(caller.request("/mcp/later"))
        server.endpoint.held.get(timeout=PATIENCE)
        reader.head()
        server.stop()
        assert reader.chunk() == b""
        assert reader.rest() == b""
        assert caller.answer()[0] == 503
        assert {server.endpoint.gone.get(timeout=PATIENCE).path for _ in range(2)} == {
            "/mcp/stream",
            "/mcp/later",
        }
        assert server.done.wait(PATIENCE)
        assert not stream.send(b"{}")


def test_a_client_that_never_reads_does_not_keep_it_up(loop):
    with serving(loop, grace=0.05) as server, server.connect() as client:
        client.send(client.request("/mcp/big?30000000"))
        client.until(b"\r\n\r\n")
        server.stop()
        assert server.done.wait(PATIENCE)


def test_an_asgi_request_that_never_ends_does_not_keep_it_up(loop):
    started = threading.Event()

    async def stuck(scope, receive, send):
        if scope["type"] == "http":
            started.set()
            await receive()
            await receive()
            await receive()

    with serving(loop, asgi=stuck, grace=0.05) as server, server.connect() as client:
        client.send(client.request("/other"))
        assert started.wait(PATIENCE)
        server.stop()
        assert server.done.wait(PATIENCE)


def test_stopping_twice_is_stopping_once(loop):
    with serving(loop, limits=Limits(sweep=0.01)) as server:
        server.stop(times=2)
        assert server.done.wait(PATIENCE)
