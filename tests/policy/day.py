"""Recorded decisions made up: a day of mixed traffic, and random ones."""

from hypothesis import strategies as st

from keepgate.model.access import Action, Principal, Request, Resource, ResourceKind
from keepgate.model.verdict import Effect
from keepgate.policy.recorded import Recorded
from keepgate.policy.schema import ACTIONS

CURSOR = Principal("key:cursor", "key")
LOCAL = Principal("local:bob", "local")
ALICE = Principal(
    "oauth:i/alice/web", "oauth", groups=("devs", "staff"), user="alice", client="web", tenant="acme"
)
CAROL = Principal("oauth:i/carol/web", "oauth", groups=("devs",), user="carol", client="web")
ROBOT = Principal("oauth:i//robot", "oauth", client="robot")
NAMELESS = Principal("oauth:", "oauth")


def made(
    who: Principal,
    what: str,
    *,
    kind: ResourceKind = ResourceKind.TOOL,
    action: Action | None = None,
    effect: Effect = Effect.ALLOW,
    time: str = "2026-11-20T08:00:00.000000000Z",
    trace: str = "d",
) -> Recorded:
    server, _, name = what.partition("/")
    request = Request(who, action or ACTIONS[kind][0], Resource(kind, server, name), {"arguments": {}})
    return Recorded(request, effect, (), "hash", time, trace)


def day() -> list[Recorded]:
    """Five principals, three kinds of things, things with stars and slashes in their names, refusals, questions."""
    resource, prompt = ResourceKind.RESOURCE, ResourceKind.PROMPT
    return [
        *(
            made(CURSOR, f"files/{name}", time=f"2026-11-20T08:00:0{n}.0Z")
            for n, name in enumerate(("read_file", "read_dir", "read_meta", "list", "read_file"))
        ),
        made(CURSOR, "files/write_file", effect=Effect.ASK),
        made(CURSOR, "files/drop", effect=Effect.DENY),
        made(LOCAL, "files/read_file"),
        made(LOCAL, "files/odd*name\\x", effect=Effect.REDACT),
        made(LOCAL, "docs/file:///srv/a/1.md", kind=resource),
        made(LOCAL, "docs/file:///srv/a/2.md", kind=resource, action=Action.SUBSCRIBE_RESOURCE),
        made(LOCAL, "docs/file:///srv/a/3.md", kind=resource),
        made(LOCAL, "docs/file:///srv/a/4.md", kind=resource),
        made(ALICE, "crm/search"),
        made(CAROL, "crm/search"),
        made(ALICE, "crm/letter", kind=prompt),
        made(ALICE, "crm/send", effect=Effect.ASK),
        made(CAROL, "crm/send"),
        made(ROBOT, "crm/export"),
        made(NAMELESS, "crm/search"),
    ]


NAMES = ("read", "read_a", "read_b", "read_c", "write_a", "a*b", "x://h/1", "x://h/2", "x://h/3")
things = st.builds(
    Resource, st.sampled_from(list(ResourceKind)), st.sampled_from(("files", "crm")), st.sampled_from(NAMES)
)
people = st.sampled_from((CURSOR, LOCAL, ALICE, CAROL, ROBOT))


@st.composite
def decisions(draw: st.DrawFn, least: int = 0) -> list[Recorded]:
    """Random traffic."""
    out = []
    for number in range(draw(st.integers(least, 25))):
        thing = draw(things)
        action = draw(st.sampled_from(ACTIONS[thing.kind]))
        effect = draw(st.sampled_from((Effect.ALLOW, Effect.ALLOW, Effect.REDACT, Effect.ASK, Effect.DENY)))
        request = Request(draw(people), action, thing)
        out.append(Recorded(request, effect, (), "h", f"2026-11-20T08:00:{number:02}Z", f"d{number}"))
    return out
