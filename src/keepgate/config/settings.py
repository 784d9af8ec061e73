"""What the configuration file may say, key by key; the docstring under a key is its description in editors and docs.

`Document` is the file, `Settings` the file with its defaults worked out for this machine and user. Checks that need
more than one key are in `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema

from keepgate.config import values
from keepgate.config.values import Secret, Value
from keepgate.policy.roles import Grant, Role

MIB: Final = 1024 * 1024

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
"""Of a server or a role: lower-case letters, digits, `_`, `-`."""
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
HeaderName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"), AfterValidator(values.header)
]
AnyValue = Annotated[Value, PlainValidator(values.value), WithJsonSchema(values.VALUE_SCHEMA)]
Words = Annotated[tuple[str, ...], BeforeValidator(values.words), WithJsonSchema(values.WORDS_SCHEMA)]
AnySecret = Annotated[Secret, PlainValidator(values.secret), WithJsonSchema(values.SECRET_SCHEMA)]
ClaimPath = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=256)], ...],
    BeforeValidator(values.claim),
    WithJsonSchema(values.WORDS_SCHEMA),
]
Scope = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/-]{1,128}$")]
TrustDomain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9._-]{1,255}$")]
Level = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:/#-]{1,256}$")]
Algorithm = Literal[
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"
]
Seconds = Annotated[float, Field(gt=0, le=3600)]
CallSeconds = Annotated[float, Field(gt=0, le=600)]
Bytes = Annotated[int, Field(ge=1024, le=256 * MIB)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Rate = Annotated[float, Field(gt=0, le=1_000_000)]

Revision = Literal["auto", "2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """Certificate and key to serve HTTPS with, PEM files. Relative paths start at the configuration file."""

    cert: Path
    """Certificate chain."""
    key: Path
    """Private key."""
    client_ca: Path | None = None
    """Authorities whose client certificates are accepted, a PEM file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """Ask the issuer about tokens (RFC 7662): opaque ones, and signed ones that may have been revoked."""

    client_id: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    """By which the issuer knows this gateway."""
    client_secret: AnySecret
    """A reference: `{secret: "env:NAME"}`."""
    url: Annotated[str, AfterValidator(values.url)] = ""
    """Where to ask. Without this key: as the issuer's metadata says."""
    always: bool = False
    """Ask about signed tokens as well."""
    interval: Annotated[float, Field(ge=1, le=3600)] = 60.0
    """Seconds that an answer counts: how long a revoked token may still work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Where a token has the names that grants use: a claim, or the path to one inside of others."""

    user: ClaimPath = ("sub",)
    """Named `user:` in grants. `email` counts only where `email_verified` is true."""
    client: ClaimPath = ("client_id",)
    """Named `client:` in grants; `azp` with some issuers."""
    groups: ClaimPath = ()
    """A list, named `group:` in grants."""
    tenant: ClaimPath = ()
    """Named `tenant:` in grants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """An authorization server whose access tokens are accepted."""

    url: Annotated[str, AfterValidator(values.url)]
    """Exactly as in the `iss` of its tokens."""
    jwks_url: Annotated[str, AfterValidator(values.url)] = ""
    """Where its keys are. Without this key: as its metadata says."""
    audience: tuple[Annotated[str, StringConstraints(min_length=1, max_length=512)], ...] = ()
    """Values of `aud` that mean this gateway, besides the URLs of its endpoints."""
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
    """Signatures that are accepted."""
    types: tuple[Literal["at+jwt", "JWT"], ...] = ("at+jwt",)
    """Values of `typ` that mark an access token; `JWT` for issuers that do not follow RFC 9068."""
    prefix: Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,63}/)?$")] = ""
    """Put before the names of its users, clients, groups and tenants: needed as soon as there is another issuer."""
    claims: Claims = Claims()
    """Where the names are."""
    leeway: Annotated[float, Field(ge=0, le=120)] = 30.0
    """Seconds that clocks may differ."""
    max_age: Annotated[float, Field(ge=60, le=2_592_000)] = 86_400.0
    """Seconds; a token that was issued longer ago is refused, whatever it says."""
    dpop: Literal["accepted", "required"] = "accepted"
    """`required`: only tokens that are bound to a key of the client."""
    introspection: Introspection | None = None
    """Ask it about tokens."""
    private_network: bool = False
    """It may have a private address (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, fc00::/7)."""
    ca: Path | None = None
    """Authorities for its certificate instead of the system's, a PEM file. Relative paths start at this file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """What the use of some things needs of the caller's login, beyond a grant."""

    uses: Annotated[tuple[str, ...], Field(min_length=1)]
    """`server/name` patterns as in roles."""
    scopes: tuple[Scope, ...] = ()
    """Scopes that the access token needs as well."""
    acr: tuple[Level, ...] = ()
    """Levels of login (`acr`) of which one must have been reached, such as one that means a second factor."""
    max_age: Annotated[float, Field(ge=1, le=2_592_000)] | None = None
    """Seconds since the login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Authentication of callers."""

    anonymous: bool = False
    """Serve callers without a key as the principal `anonymous`. Only where `listen` is a loopback address."""
    public_url: Annotated[str, AfterValidator(values.public_url)] = ""
    """As clients reach this gateway: `https://gate.example.com`. Without this key: `listen`, if that is loopback."""
    issuers: Mapping[Name, Issuer] = field(default_factory=dict)
    """Whose access tokens are accepted, by a name of your own."""
    scopes: tuple[Scope, ...] = ()
    """Scopes that every access token needs."""
    step_up: tuple[StepUp, ...] = ()
    """What needs more than that: further scopes, a stronger or a more recent login."""
    trust_domains: tuple[TrustDomain, ...] = ()
    """SPIFFE trust domains whose workloads are accepted by certificate: `example.org`."""
    dpop_nonce: bool = False
    """Demand a nonce of keepgate's own in DPoP proofs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on what outsiders control. Sizes in bytes, times in seconds."""

    body_bytes: Bytes = 4 * MIB
    """One message from a client."""
    response_bytes: Bytes = 16 * MIB
    """One message from a server."""
    depth: Annotated[int, Field(ge=8, le=128)] = 64
    """Nested objects and lists in a message."""
    members: Count = 200_000
    """Keys and values in a message."""
    requests_per_second: Rate = 200.0
    """For each principal."""
    burst: Rate = 400.0
    """Requests that a principal may send at once after a pause."""
    concurrent_calls: Count = 64
    """In flight, for each principal."""
    sessions: Count = 32
    """Open at a time, for each principal."""
    session_idle: Annotated[float, Field(ge=10, le=86_400)] = 3600.0
    """A session without traffic ends after this time."""
    subscriptions: Count = 16
    """Open listening streams, for each principal."""
    tasks: Count = 256
    """Kept at a time, for each principal."""
    task_ttl: Annotated[float, Field(ge=1, le=2_592_000)] = 86_400.0
    """A task is forgotten after this time, whatever its server says."""
    replay_events: Annotated[int, Field(ge=0, le=100_000)] = 256
    """Kept for each event stream, so that a client can resume it."""
    call_timeout: CallSeconds = 60.0
    """A call ends after this time without any sign of life from the server."""
    call_maximum: CallSeconds = 600.0
    """A call ends after this time whatever the server says."""
    connect_timeout: CallSeconds = 30.0
    """Reaching or starting a server."""
    list_items: Count = 10_000
    """Tools, resources or prompts that one server may offer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One MCP server: a `command` to start or a `url` to reach."""

    command: Words = ()
    """The program and its arguments, as a list. Started without a shell."""
    args: tuple[str, ...] = ()
    """More arguments, as client configurations write them."""
    url: Annotated[str, AfterValidator(values.url)] = ""
    """Where the server answers: `https://...`."""
    env: Mapping[EnvName, AnyValue] = field(default_factory=dict)
    """Variables to set for the program. Write secrets as references: `{secret: "env:NAME"}`."""
    pass_env: tuple[EnvName, ...] = ()
    """Variables of keepgate's own environment that the program may see."""
    headers: Mapping[HeaderName, AnyValue] = field(default_factory=dict)
    """HTTP headers to send to `url`. Write secrets as references."""
    cwd: Path = Path()
    """Directory to start the program in. Relative paths start at the configuration file."""
    prefix: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9_.-]|\{server\}){0,64}$")] = "{server}_"
    """Put before the names of its tools and prompts; `{server}` is the server's id, "" is no prefix."""
    protocol: Revision = "auto"
    """The revision to speak with it, or `auto`."""
    timeout: CallSeconds | None = None
    """Seconds; instead of `limits.call_timeout`."""
    instructions: bool | None = None
    """Pass the server's instructions on. Without this key: only where it is mounted alone, `/mcp/<server>`."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The whole command line; empty for a server reached by URL."""
        return self.command + self.args


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may use what. What no role allows is denied."""

    roles: Mapping[Name, Role] = field(default_factory=dict)
    """Named sets of `server/name` patterns."""
    grants: tuple[Grant, ...] = ()
    """Who has which role."""


Follows = Literal["ignore", "record", "redact", "deny"]
Posture = Literal["enforce", "record", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Families:
    """What follows from what is found, instead of what the profile says, for what is at least likely."""

    secrets: Follows | None = None
    """Credentials."""
    personal: Follows | None = None
    """Personal data."""
    attacks: Follows | None = None
    """Instructions to the model, ways out, dangerous commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Inspection of what messages say, in both directions."""

    inspect: bool = True
    """Look for secrets, personal data and attacks. `false` switches all of it off."""
    profile: Literal["relaxed", "balanced", "strict"] = "balanced"
    """`relaxed` only records. `balanced` takes sure secrets out of results. `strict` also acts on what is likely."""
    arguments: Families = Families()
    """In messages to servers."""
    results: Families = Families()
    """In messages to clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schemas:
    """Checks of tool calls against the schemas that servers list."""

    arguments: Posture = "enforce"
    """Arguments that do not fit `inputSchema`: refused, only recorded, or not looked at."""
    results: Posture = "record"
    """`structuredContent` that does not fit `outputSchema`: the same."""
    unusable: Posture = "enforce"
    """A schema that cannot be used. `enforce` refuses the calls that it should have checked, and says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The configuration of keepgate."""

    version: Literal[1]
    """Of this format."""
    listen: Annotated[str, AfterValidator(values.listen)] = "127.0.0.1:8700"
    """Address and port to serve on; the endpoint is `/mcp`."""
    state: Path | None = None
    """Directory for keys and records. Without this key: `keepgate` in the user's state directory."""
    storage: Annotated[str, AfterValidator(values.storage)] = "sqlite:///index.db"
    """Database of what can be rebuilt from the records. Relative paths start at `state`."""
    durability: Literal["batch", "sync"] = "batch"
    """`batch`: a record survives a killed keepgate. `sync`: a power failure too; each reply waits for the disk."""
    tls: Tls | None = None
    """Serve HTTPS."""
    unsafe_plaintext_behind_proxy: bool = False
    """Serve plain HTTP off loopback. Only where a proxy in front terminates TLS and nothing else reaches this port."""
    allowed_hosts: tuple[Annotated[str, AfterValidator(values.host)], ...] = ()
    """Names that clients may use for this endpoint (`Host` header), besides the address it listens on."""
    allowed_origins: tuple[Annotated[str, AfterValidator(values.origin)], ...] = ()
    """Web origins whose pages may call this endpoint, besides its own: `https://app.example.com`."""
    identity: Identity = Identity()
    """Who may be served without a key."""
    limits: Limits = Limits()
    """Bounds on what outsiders control."""
    content: Content = Content()
    """Inspection of what messages say."""
    schemas: Schemas = Schemas()
    """Checks against the schemas of tools."""
    servers: Mapping[Name, Server] = field(default_factory=dict)
    """The MCP servers behind this gateway, by id."""
    access: Access = Access()
    """Who may use what."""

    @property
    def address(self) -> tuple[str, int]:
        """Host (an IPv6 address without brackets) and port of `listen`."""
        return values.split_listen(self.listen)

    @property
    def public_url(self) -> str:
        """Scheme and authority of this gateway for its clients; empty if that cannot be told from `listen`."""
        if self.identity.public_url:
            return self.identity.public_url
        known = self.loopback and self.address[1]
        return f"{'https' if self.tls else 'http'}://{self.listen}" if known else ""

    @property
    def loopback(self) -> bool:
        """True if only this machine can connect."""
        return values.is_loopback(self.address[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Document):
    """A valid configuration with every path absolute and every prefix written out."""

    file: Path = field(compare=False)
    """Where it was read."""
    state: Path
    database: Path
    """The SQLite file that `storage` names."""
    warnings: tuple[str, ...] = field(compare=False)
    """What is allowed but probably not meant, each with file, line and column."""


Resolver = Callable[[Secret], str]
"""Fetches a secret when it is needed. Raises ConfigError naming the reference, never the secret."""


def resolve(given: Value, resolver: Resolver) -> str:
    """The text of a configured value: itself, or what its reference stands for now."""
    return resolver(given) if isinstance(given, Secret) else given
