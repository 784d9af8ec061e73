"""Kinds of values that several sections have."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StringConstraints, WithJsonSchema

from keepgate.config import values
from keepgate.config.values import Secret, Value

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
