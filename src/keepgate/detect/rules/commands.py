"""Commands, paths, addresses and queries that the arguments of a call should hardly ever carry.

They are likely attacks only where a model hands them to a server; a result may well speak of them.
"""

from __future__ import annotations

from typing import Final

from keepgate.detect.detector import Rule
from keepgate.detect.setting import Channel
from keepgate.model.finding import Confidence, Severity


def _rule(
    name: str,
    title: str,
    pattern: str,
    taxonomy: tuple[str, ...],
    meant: frozenset[str] = frozenset(),
) -> Rule:
    return Rule(
        f"attack.{name}",
        title,
        Severity.HIGH,
        Confidence.LIKELY,
        pattern,
        taxonomy,
        meant=meant,
        only=Channel.ARGUMENT,
    )


_SHELL: Final = ("OWASP-MCP05", "SAFE-T1101", "CWE-78")
_PATH: Final = ("OWASP-MCP05", "SAFE-T1105", "CWE-22")
_ADDRESS: Final = ("OWASP-MCP05", "SAFE-T1101", "CWE-918")
_QUERY: Final = ("OWASP-MCP05", "SAFE-T1803", "CWE-89")
_RUN: Final = (
    r"(?:cat|curl|wget|nc|ncat|bash|sh|zsh|rm|chmod|chown|whoami|id|uname|python[23]?|perl|ruby|php|node|powershell|cmd|"
    r"ping|nslookup|dig|ls|env|printenv|kill|mkfifo|touch|echo|base64|scp|ssh|ftp|telnet|crontab|sudo|dd|tee|xxd|sleep)"
)

_COMMANDS: Final = frozenset(
    "command commands cmd script code bash shell program source content text body message input stdin".split()
)
"""Members that hold a whole command or a document, where commands stand behind each other by design."""

_PROSE: Final = frozenset("message commit_message comment description body note notes thought".split())
"""Members that hold what people write to each other, where `; drop table x` is what somebody did."""
_STATEMENTS: Final = (
    _COMMANDS | _PROSE | frozenset("sql query queries statement statements migration".split())
)
"""Members that hold SQL by design."""

RULES: Final = (
    _rule(
        "pipe-to-shell",
        "a download that is run at once",
        r"(?i)\b(?:curl|wget|fetch|iwr|invoke-webrequest)\s[^\n|]{1,200}\|\s{0,3}(?:sudo )?(?:ba|z|da|k)?sh\b|"
        r"\b(?:iex|invoke-expression)\b[^\n]{0,80}\b(?:iwr|downloadstring|invoke-webrequest)\b",
        _SHELL,
    ),
    _rule(
        "encoded-shell",
        "an encoded command that is run",
        r"(?i)\bbase64\s(?:-d|--decode|-D)[^\n]{0,80}\|\s{0,3}(?:ba|z|da|k)?sh\b|"
        r"\bpowershell(?:\.exe)?[^\n]{0,60}\s-e(?:nc|ncodedcommand)?\s[a-z0-9+/=]{20}",
        _SHELL,
    ),
    _rule(
        "shell-injection",
        "a command behind a value",
        rf"[\w\"')./\-]\s{{0,3}}(?:;|\|\||&&|\|)\s{{0,3}}{_RUN}(?:\s+[\-/~$.\w\"'>:]|\s{{0,3}}(?:;|$|#|\||\n|[\"']))|"
        rf"\$\({_RUN}\b[^)\n]{{0,200}}\)|`{_RUN}\s[^`\n]{{0,200}}`|`(?:whoami|hostname|uname)`|"
        rf"[\w\"')./\-]\s{{0,3}}(?:;|\|\||&&|\|)\s{{0,3}}(?:id|whoami|uname|hostname|printenv|ifconfig)\b|\$\{{IFS\}}|"
        rf"[\r\n]\s{{0,3}}{_RUN}\s+(?:-[a-z]{{1,4}}\s|/etc/|~/|http)".replace("$|#", "#").replace(
            r"\s+", r"\s{1,4}"
        ),
        _SHELL,
        _COMMANDS,
    ),
    _rule(
        "destructive-command",
        "a command that destroys",
        r"(?i)\brm\s{1,3}-(?:rf|fr|r\s-f)\s{1,3}(?:--no-preserve-root\s)?(?:/|~|\$HOME|\*)|\bmkfs\.[a-z0-9]{2,5}\s|"
        r"\bdd\sif=/dev/(?:zero|random|urandom)\sof=/dev/|:\(\)\s{0,2}\{\s{0,2}:\|:&\s{0,2}\};:|"
        r"\bdel\s/[sfq]\s|\bformat\s[c-z]:",
        _SHELL,
    ),
    _rule(
        "reverse-shell",
        "a shell that calls home",
        r"(?i)/dev/tcp/[0-9a-z.\-]{3,100}/[0-9]{1,5}|\bnc(?:at)?\s[^\n]{0,60}-[a-z]{0,3}e\s{0,2}/bin/(?:ba)?sh|"
        r"\bbash\s-i\s{0,2}>&|\bsocket\.socket\([^\n]{0,200}(?:dup2|/bin/(?:ba)?sh)",
        _SHELL,
    ),
    _rule(
        "traversal",
        "a path that climbs out of its directory",
        r"(?:\.\./|\.\.\\){3}|(?:\.\./|\.\.\\){1,2}(?:etc|proc|root|home|windows|var|usr)[/\\]|"
        r"(?i:%2e%2e(?:%2f|%5c|/|\\)){2}|(?i:\.\.(?:%2f|%5c|%c0%af|%252f)){2}|(?:\.\.\.\.//){2}|\.\.;/",
        _PATH,
    ),
    _rule(
        "system-file",
        "a file that holds what logs in",
        r"(?i)(?:/|\\|\b)etc[/\\](?:passwd|shadow|sudoers|gshadow)\b|/proc/(?:self|[0-9]{1,6})/(?:environ|mem|cmdline)|"
        r"\.ssh[/\\](?:id_(?:rsa|ed25519|ecdsa|dsa)\b|authorized_keys)|\.aws[/\\]credentials|\.kube[/\\]config\b|"
        r"windows[/\\]{1,4}system32[/\\]{1,4}config[/\\]{1,4}sam\b|\bboot\.ini\b|/root[/]\.|\.gnupg/|\.docker/config\.json",
        _PATH,
    ),
    _rule(
        "metadata-address",
        "the address of a cloud's instance metadata",
        r"(?i)\b(?:169\.254\.169\.254|metadata\.google\.internal|metadata\.azure\.com|100\.100\.100\.200|"
        r"169\.254\.170\.2|192\.0\.0\.192)\b|fd00:ec2::254|//(?:0xa9fea9fe|2852039166|0251\.0376\.0251\.0376)\b|"
        r"::ffff:(?:169\.254\.169\.254|a9fe:a9fe)",
        _ADDRESS,
    ),
    _rule(
        "inside-address",
        "an address inside, written to get past a filter",
        r"(?i)\b(?:https?|ftp|gopher|dict|ldap|tftp)://(?:[^/\s@\"']{0,100}@)?(?:"
        r"\[::ffff:[0-9a-f.:]{3,20}\]|0x[0-9a-f]{8}|[0-9]{8,10}|0177\.[0-9.]{1,12}|127\.1|"
        r"[a-z0-9.\-]{1,60}\.(?:nip|sslip)\.io|localtest\.me)(?:[:/?#\"'\s]|\b)|\b(?:gopher|dict|netdoc|phar)://|\bfile:/{2,3}(?:etc|proc|root|home|var|users|c:|windows)\b",
        _ADDRESS,
    ),
    _rule(
        "sql",
        "SQL that breaks out of a value",
        r"(?i)\b(?:or|and)\s{1,3}\(?(?:[0-9]{1,6}|['\"]\w{0,20}['\"])\s{0,3}(?:=|like|<|>)\s{0,3}(?:[0-9]{1,6}\b|['\"]\w{0,20})|"
        r"['\"]\s{0,3}\)?\s{0,3}or\s{1,3}true\b|"
        r"['\"]\s{0,3}\)?\s{0,3};\s{0,3}(?:drop|delete|insert|update|alter|exec|truncate|create|grant|shutdown)\b|"
        r"(?:['\"]\s{0,3}|\n-?[0-9]{1,9}\s{1,3})(union\s{1,3}(?:all\s{1,3})?select\s)|"
        r"\w'\)?(?:--|#|/\*)|"
        r";\s{0,3}(?:drop|truncate)\s{1,3}(?:table|database|schema)\b|\bxp_cmdshell\b|"
        r"(?:\bselect|\band|\bor|;|,|\()\s{0,3}(?:sleep|benchmark|pg_sleep)\s{0,2}\([0-9]|\bwaitfor\s{1,2}delay\s{0,2}['\"]",
        _QUERY,
        _PROSE,
    ),
    _rule(
        "sql-stacked",
        "a second SQL statement behind a value",
        r"(?i)[\w'\")]\s{0,3};\s{0,3}(?:delete\s{1,3}from|insert\s{1,3}into|update)\s{1,3}[\w.\"`\[\]]{1,60}\s{1,3}"
        r"(?:where|values|set|\()",
        _QUERY,
        _STATEMENTS,
    ),
    _rule(
        "inside-service",
        "a service that is meant for the machine itself",
        r"(?i)\b(?:https?|ftp|tcp|redis|ws)://(?:[^/\s@\"']{0,100}@)?(?:localhost|127\.[0-9.]{1,11}|0\.0\.0\.0|\[::1?\])"
        r":(?:2375|2376|2379|4243|6379|6443|8500|9200|10250|10255|11211|27017)\b",
        _ADDRESS,
    ),
    _rule(
        "template-injection",
        "an expression that a template would run",
        r"\$\{jndi:(?:ldap|rmi|dns|iiop|http)|\{\{[^}\n]{0,100}(?:__class__|__globals__|__import__|config\.items|constructor)"
        r"[^}\n]{0,100}\}\}|__import__\(\s{0,2}['\"]os['\"]|<%=?[^%\n]{0,60}(?:system|exec|Runtime)[^%\n]{0,60}%>",
        ("OWASP-MCP05", "SAFE-T1101", "CWE-94"),
    ),
)
