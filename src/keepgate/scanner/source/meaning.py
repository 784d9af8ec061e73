"""What names mean to the analysis: what cleans a value, what tests it, what brings one, which names stand in an expression."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Final

from keepgate.scanner.source.code import Expr

Labels = frozenset[str]
NOTHING: Final[Labels] = frozenset()
_CLEANS: Final = tuple(
    "validat sanitiz sanitis escape quote allowed isallow is_safe issafe safe_path safepath safejoin safe_join ensure assert verify whitelist allowlist secure_filename literal_eval normalize_and_check resolve_safe check_path checkpath guard resolvewithin within checkurl check_url".split()
)
PLAIN: Final = frozenset(
    "int float bool len Number parseInt parseFloat Boolean hash ord isinstance type hashlib.sha256 UUID uuid.UUID strconv.Atoi strconv.ParseInt strconv.ParseFloat Integer.parseInt Long.parseLong int.Parse Guid.Parse Integer Float intval floatval is_numeric basename os.path.basename path.basename filepath.Base File.basename Path.GetFileName hexdigest .to_i .to_f .toFixed .isoformat round abs min max sum range escapeshellarg Shellwords.escape htmlspecialchars .quote shlex.quote shlex.join encodeURIComponent urllib.parse.quote quote url.PathEscape url.QueryEscape .indexOf .length z.number strlen count .parse_int uuid.Parse mysqli_real_escape_string pg_escape_literal .getFileName .file_name".split()
)
"""Calls whose answer can do no harm, whatever they were given."""
NETWORK: Final = tuple(
    "requests. httpx. urllib.request. fetch axios http.Get reqwest aiohttp urlopen got curl_exec HTTParty Net::HTTP http.get https.get".split()
)
_DECODES: Final = tuple(
    "b64decode atob unhexlify fromhex decompress b85decode from_bytes base64_decode decode64 FromBase64String DecodeString gzinflate str_rot13 fromCharCode a85decode b32decode".split()
)
CONTAINERS: Final = frozenset(
    "request req params arguments args input payload body data options opts config kwargs event message".split()
)
"""Names whose parts are told apart: a look at `args.mode` says nothing about `args.path`."""


def terms(expr: Expr) -> Iterator[str]:
    """The names in an expression; parts of a container by their dotted name."""
    waiting = [expr]
    while waiting:
        here = waiting.pop()
        if here.kind == "attr":
            dotted = dotted_name(here)
            head = dotted.partition(".")[0]
            if head in CONTAINERS:
                yield dotted
                continue
        if here.kind == "name":
            yield here.text
        waiting += [*here.parts, *here.named.values()]
        if here.base is not None:
            waiting.append(here.base)


def dotted_name(expr: Expr) -> str:
    if expr.kind == "attr" and expr.base is not None:
        return f"{dotted_name(expr.base)}.{expr.text}"
    return expr.text


def special(name: str) -> Labels:
    return frozenset(("env",)) if name in ("environ", "ENV", "_ENV") else NOTHING


def brought(expr: Expr, last: str) -> Labels:
    """What a call brings of its own."""
    if any(expr.text.startswith(mark) for mark in NETWORK):
        return frozenset(("net",))
    if last in _DECODES or (last == "from" and any(part.text in ("base64", "hex") for part in expr.parts)):
        return frozenset(("decoded",))
    if (
        expr.text
        in (
            "os.environ.copy",
            "os.environ.items",
            "System.getenv",
            "os.Environ",
            "env::vars",
            "std::env::vars",
            "getenv",
            "Environment.GetEnvironmentVariables",
        )
        and not expr.parts
    ):
        return frozenset(("env",))
    return NOTHING


@cache
def cleans(name: str) -> bool:
    lowered = name.rpartition(".")[2].rpartition("::")[2].lower()
    return any(mark in lowered for mark in _CLEANS)


ADDRESSES: Final = frozenset(
    ("urljoin", "URL", "Sprintf", "format", "join", "concat", "parse", "create", "of")
)
"""Calls that put an address together; their first part is where it leads."""
_TESTS: Final = tuple(
    "startswith is_relative_to relative_to includes has contains contains_key match fullmatch test exists_in hasprefix starts_with is_match in_array preg_match include? start_with? startswith? match? matches isdigit isalnum isidentifier containskey matchstring commonpath every some key? member? str_starts_with ismatch islocal is_private isprivate is_global array_key_exists rel search isrelative".split()
)


def comparing(call: Expr) -> bool:
    """A call that tests a value against something: not whether an address begins with `http`."""
    last = call.text.rpartition(".")[2].rpartition("::")[2].lower()
    if cleans(call.text):
        return True
    if last not in _TESTS:
        return False
    return not any(
        part.kind == "const" and part.text.lower().rstrip(":/") in ("http", "https", "")
        for part in call.parts
    )


_OPERATORS: Final = tuple(
    "In NotIn Eq NotEq == === != !== in < > <= >= Lt Gt LtE GtE Is IsNot && || instanceof not".split()
)


def compares(part: Expr) -> bool:
    words = part.text.split()
    if not any(word in ("In", "NotIn", "Eq", "NotEq", "==", "===", "!=", "!==", "in") for word in words):
        return (
            bool(words)
            and words[0] in ("Lt", "Gt", "LtE", "GtE", "Is", "IsNot", "<", ">", "<=", ">=", "instanceof")
            and False
        )
    # Compared to nothing at all is no look at the value.
    return not any(
        each.kind == "const"
        and each.text in ("None", "null", "nil", "", "undefined", "0", "True", "False", "true", "false")
        for each in part.parts
    )


_PASSES: Final = frozenset(
    "str String strip lower upper trim toString to_string as_str as_ref into clone unwrap decode unquote GetString getString "
    "GetArguments get pop to_s to_str replace replaceAll rstrip lstrip removesuffix removeprefix RequireString "
    "BindArguments Trim TrimSpace ToString decodeURIComponent URL Url Uri parse Parse url href unwrap_or unwrap_or_default expect "
    "toLowerCase from create format Sprintf join concat urljoin of String() formatted new.URL URI new.Uri".split()
)
"""Calls that answer with what they were given or called on."""


def passes(call: Expr) -> bool:
    """True for a call whose answer leads where what it was given leads."""
    return call.text.rpartition(".")[2].rpartition("::")[2] in _PASSES or call.text in _PASSES
