"""With which credentials of its own, or of the caller's at the server, keepgate reaches a server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from keepgate.config import values
from keepgate.config.sections.types import AnySecret, Scope

ClientId = Annotated[str, StringConstraints(max_length=2048)]
Method = Literal["auto", "none", "client_secret_basic", "client_secret_post", "private_key_jwt"]
Signature = Literal["ES256", "ES384", "RS256", "PS256", "Ed25519"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """The enterprise's identity provider, which vouches for users at the server's authorization server."""

    issuer: Annotated[str, AfterValidator(values.url)] = ""
    """Its issuer, whose metadata names the token endpoint."""
    token_url: Annotated[str, AfterValidator(values.url)] = ""
    """Its token endpoint, where there is no metadata."""
    client_id: ClientId
    """By which it knows this gateway."""
    client_secret: AnySecret | None = None
    """A reference."""
    client_key: AnySecret | None = None
    """Private key of the client, PEM or JWK, by reference: instead of a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """How keepgate is authorized at a server. The caller's own token is never sent there."""

    type: Literal["oauth", "client_credentials", "token_exchange", "id_jag"]
    """Each user's own login; keepgate's own token; one exchanged for the caller's; enterprise-managed."""
    issuer: Annotated[str, AfterValidator(values.url)] = ""
    """The only authorization server that may be used. Needed with `client_id`: credentials belong to an issuer."""
    client_id: ClientId = ""
    """As registered there. Without this key keepgate names itself by a document, or registers."""
    client_secret: AnySecret | None = None
    """A reference."""
    client_key: AnySecret | None = None
    """Private key of the client, PEM or JWK, by reference: instead of a secret."""
    client_algorithm: Signature = "ES256"
    """Of `client_key`."""
    client_auth: Method = "auto"
    """How the client authenticates; `auto`: as the authorization server says it can."""
    client_metadata_url: Annotated[str, AfterValidator(values.url)] = ""
    """URL of this gateway's client metadata document. Without this key: its own, at an https `public_url`."""
    scopes: tuple[Scope, ...] = ()
    """To ask for. Without this key: those that the server names."""
    resource: Annotated[str, AfterValidator(values.url)] = ""
    """Resource to ask a token for. Without this key: as the server's metadata says."""
    audience: Annotated[str, StringConstraints(max_length=512)] = ""
    """Of an exchanged token, where its issuer wants one."""
    subject: Literal["access_token", "id_token", "jwt"] = "access_token"
    """What kind of token is exchanged."""
    subject_token: AnySecret | None = None
    """A token to exchange instead of the caller's, by reference."""
    idp: IdentityProvider | None = None
    """For `id_jag`."""
