"""Client certificates: which workload shows one (SPIFFE X.509-SVID, or a single DNS name).

TLS has verified the chain and that the client holds the key before anything here runs; here is only read who it is for.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Final
from urllib.parse import quote

from keepgate.model.access import Principal
from keepgate.model.errors import AuthenticationError

SPIFFE: Final = "spiffe://"
DNS: Final = "dns:"
NAMESPACES: Final = (SPIFFE, DNS)
"""What the client names of certificates begin with, and no issuer of tokens may give."""
_DOMAIN: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._-")
_SEGMENT: Final = _DOMAIN | frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_MAX_ID: Final = 2048


def thumbprint(certificate: bytes) -> str:
    """`x5t#S256` of a DER certificate (RFC 8705)."""
    return urlsafe_b64encode(sha256(certificate).digest()).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class _Subject:
    principal: Principal | None
    until: float
    why: str = ""


class Certificates:
    """ports.ClientCertificates. `domains` are the SPIFFE trust domains that count; empty: DNS names only."""

    def __init__(
        self, domains: frozenset[str], clock: Callable[[], float], challenge: str = "Bearer"
    ) -> None:
        self._domains = domains
        self._clock = clock
        self._challenge = challenge
        self._read = lru_cache(1024)(self._subject)

    def authenticate(self, certificate: bytes) -> Principal:
        """The principal of a verified DER certificate. Raises AuthenticationError."""
        subject = self._read(certificate)
        if subject.principal is None:
            raise AuthenticationError(subject.why, self._challenge)
        if self._clock() >= subject.until:  # the connection may be older than what is left of the certificate
            raise AuthenticationError("the client certificate has expired: connect again", self._challenge)
        return subject.principal

    def _subject(self, certificate: bytes) -> _Subject:
        from cryptography import x509

        try:
            parsed = x509.load_der_x509_certificate(certificate)
            names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            uris = names.get_values_for_type(x509.UniformResourceIdentifier)
            hosts = names.get_values_for_type(x509.DNSName)
            until = parsed.not_valid_after_utc.timestamp()
        except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
            return _Subject(None, 0.0, "the client certificate has no name that is understood")
        name = _name(uris, hosts, self._domains)
        if not name:
            return _Subject(None, 0.0, "the client certificate names nobody who is known here")
        return _Subject(Principal(f"cert:{quote(name, safe=':/._-')}", "cert", client=name), until)


def _name(uris: list[str], hosts: list[str], domains: frozenset[str]) -> str:
    """The one name that counts; empty if there is none, or more than one."""
    if uris:
        # X.509-SVID section 2: exactly one URI. Whoever has one is that, not what its DNS names say.
        return uris[0] if len(uris) == 1 and _is_spiffe_id(uris[0], domains) else ""
    if len(hosts) == 1 and hosts[0] and _DOMAIN.issuperset(hosts[0].lower()):
        return DNS + hosts[0].lower()
    return ""


def _is_spiffe_id(uri: str, domains: frozenset[str]) -> bool:
    """SPIFFE-ID section 2: `spiffe://<trust domain>/<path>`, nothing encoded, no dot segments, no empty ones."""
    if len(uri) > _MAX_ID or not uri.startswith(SPIFFE):
        return False
    domain, slash, path = uri.removeprefix(SPIFFE).partition("/")
    segments = path.split("/")
    return (
        domain in domains
        and bool(slash)
        and all(each and each not in (".", "..") and _SEGMENT.issuperset(each) for each in segments)
    )
