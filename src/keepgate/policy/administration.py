"""Who may administer keepgate itself: decided by Cedar like everything else, in a policy set of its own.

Apart, because a wide policy about servers (`allow: ["*/*"]`, `permit(principal, action, resource)`) must not open the
log by its width: only what names an administrative action does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cedarpy
import orjson

from keepgate.model.access import Administration, Principal
from keepgate.model.verdict import Effect
from keepgate.policy import schema
from keepgate.policy.engine import Decision
from keepgate.policy.roles import Grant, Role, administration_text, roles_of

_GATEWAY = {"type": "Gateway", "id": "keepgate"}


def decide(
    roles: Mapping[str, Role], grants: Iterable[Grant], principal: Principal, action: Administration
) -> Decision:
    """ALLOW or DENY. Any error denies. Compiled for one question: administration is rare."""
    held, text = roles_of(grants), administration_text(roles)
    try:
        names = [(name, schema.entity(name)) for name in principal.grantees]
        uids = [{"type": kind, "id": ident} for _, (kind, ident) in names]
        granted = sorted({role for name, _ in names for role in held.get(name, ())})
        parents = [*uids[1:], *({"type": "Role", "id": role} for role in granted)]
        answer = cedarpy.is_authorized(
            {"principal": uids[0], "action": {"type": "Action", "id": str(action)}, "resource": _GATEWAY},
            text,
            orjson.dumps([{"uid": uids[0], "attrs": {}, "parents": parents}]).decode(),
            schema.ADMINISTRATION,
        )
    except (IndexError, TypeError, ValueError) as error:
        return Decision(Effect.DENY, (), "policy could not decide", (str(error),))
    errors = tuple(answer.diagnostics.errors)
    if errors or not answer.allowed:
        return Decision(Effect.DENY, (), "policy could not decide" if errors else "no role allows it", errors)
    bodies = orjson.loads(cedarpy.policies_to_json_str(text))["staticPolicies"]
    names_of = (bodies[number]["annotations"]["id"] for number in answer.diagnostics.reasons)
    return Decision(Effect.ALLOW, tuple(sorted(names_of)))
