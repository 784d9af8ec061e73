"""Certificate authorities and certificates for the tests, made on the spot."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_DAY = datetime.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def uri(text: str) -> x509.GeneralName:
    return x509.UniformResourceIdentifier(text)


def dns(text: str) -> x509.GeneralName:
    return x509.DNSName(text)


@dataclass
class Issued:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def write(self, directory: Path, name: str) -> tuple[str, str]:
        """Paths of both in PEM."""
        cert, key = directory / f"{name}.pem", directory / f"{name}.key"
        cert.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        key.write_bytes(
            self.key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return str(cert), str(key)


class Authority:
    """Signs what it is asked to."""

    def __init__(self, name: str = "tests") -> None:
        self.name, self.key = _name(name), ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(self.name, self.key.public_key(), _DAY)
        self.certificate = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        ).sign(self.key, hashes.SHA256())

    def issue(self, *names: x509.GeneralName, lifetime: datetime.timedelta = _DAY) -> Issued:
        """A certificate for these alternative names; without any it has no such extension."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name("someone"), key.public_key(), lifetime)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return Issued(builder.sign(self.key, hashes.SHA256()), key)

    def server(self) -> Issued:
        """For loopback."""
        return self.issue(dns("localhost"), x509.IPAddress(ip_address("127.0.0.1")))

    def write(self, directory: Path, name: str) -> str:
        file = directory / f"{name}.pem"
        file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))
        return str(file)

    def _builder(self, subject: x509.Name, key: Any, lifetime: datetime.timedelta) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + lifetime)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )
