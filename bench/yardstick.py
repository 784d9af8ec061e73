"""nginx, and the server behind everybody."""

import datetime
import ipaddress
import os
import shutil
import string
import subprocess
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench.contender import Contender, Running, Site
from bench.processes import LOAD, Stage, free_port

HERE = Path(__file__).resolve().parent
FORWARD = 'proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://up;'


def missing() -> list[str]:
    """Programs without which nothing can be measured here."""
    return [name for name in ("gcc", "nginx", "wrk", "taskset") if which(name) is None]


def which(name: str) -> str | None:
    """Debian keeps nginx where only root looks."""
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def build(into: Path) -> Path:
    """The upstream's program."""
    program = into / "server"
    subprocess.run(["gcc", "-O2", "-o", program, HERE / "upstream.c"], check=True)
    return program


def certify(into: Path) -> Path:
    """A self-made certificate for 127.0.0.1, its key beside it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    into.joinpath("key.pem").write_bytes(private)
    into.joinpath("key.pem").chmod(0o600)
    into.joinpath("certificate.pem").write_bytes(certificate.public_bytes(pem))
    return into / "certificate.pem"


def upstream(stage: Stage, program: Path, events: int) -> int:
    """Start the server behind everybody; its port."""
    port = free_port()
    stage.start("upstream", [program, port, *([events] if events else [])], port=port, core=LOAD)
    return port


def direct(site: Site) -> Running:
    """Nobody in between."""
    return Running(site.upstream)


def nginx(name: str, answer: str, site: Site) -> Running:
    port = free_port()
    place = site.stage.place(name)
    tls = f"ssl_certificate {site.certificate}; ssl_certificate_key {site.certificate.parent / 'key.pem'};"
    whole = string.Template((HERE / "nginx.conf").read_text()).substitute(
        upstream=site.port,
        listen=f"{port} ssl" if site.scenario.tls else port,
        tls=tls if site.scenario.tls else "",
        answer=answer,
    )
    (place / "nginx.conf").write_text(whole)
    command = [str(which("nginx")), "-e", "nginx.err", "-p", f"{place}/", "-c", place / "nginx.conf"]
    return Running(site.url(port), site.stage.start(name, command, port=port).pid)


DIRECT = Contender("direct", direct, "the server itself, nobody in between")
NGINX = Contender(
    "nginx",
    lambda site: nginx("nginx", FORWARD, site),
    "a plain reverse proxy, one worker, forwards every call",
)
REFUSES = Contender(
    "nginx 403", lambda site: nginx("nginx403", "return 403;", site), "nginx that refuses every call itself"
)
