"""What is not to be stored is in no record, sealed or not; everything else is."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.gateway.masking import MASK, MaskedLog
from keepgate.policy.pattern import Pattern
from tests.audit.made import ENTRY, entry


class Kept(list):
    def append(self, given) -> int:
        super().append(given)
        return len(self) - 1


def stored(made, drop=(), mask=()):
    kept = Kept()
    MaskedLog(kept, [Pattern.parse(each) for each in drop], mask).append(made)
    return kept[0]


@pytest.mark.parametrize(
    ("pattern", "dropped"),
    [
        ("files/*", True),
        ("*/read_file", True),
        ("files/write_*", False),
        ("crm/*", False),
        ("resource:files/*", False),
    ],
)
def test_payloads_of_what_is_named_are_left_out(pattern, dropped):
    made = stored(entry(request=b"{}", private="cause"), drop=[pattern])
    assert made == (
        entry(payload=b"", request=b"", private="cause") if dropped else entry(request=b"{}", private="cause")
    )


def test_methods_say_what_kind_of_thing_is_named():
    made = entry(method="resources/read", name="file:///x")
    assert stored(made, drop=["resource:files/*"]).payload == b""
    assert stored(made, drop=["tool:files/*"]).payload
    assert stored(entry(method="tools/list", name=""), drop=["files/*"]).payload == b""
    for kind in ("tool", "prompt", "resource"):  # a message that does not say may be about any
        assert stored(entry(method=""), drop=[f"{kind}:files/*"]).payload == b""


def test_members_are_masked_at_any_depth_and_in_any_case():
    payload = {"a": [{"Password": "NEEDLE"}], "token": {"x": "NEEDLE"}, "b": "kept"}
    made = stored(entry(payload=orjson.dumps(payload), request=b"{}"), mask=["password", "TOKEN"])
    assert orjson.loads(made.payload) == {"a": [{"Password": MASK}], "token": MASK, "b": "kept"}
    assert made.request == b""


def test_what_has_nothing_to_mask_is_stored_as_it_is():
    made = entry(request=b"{}")
    assert stored(made, mask=["password"]) == made
    assert stored(entry(payload=b""), mask=["password"]) == entry(payload=b"")


def test_what_cannot_be_read_is_not_stored():
    assert stored(entry(payload=b"{broken"), mask=["x"]).payload == b""


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5),
    lambda each: (
        st.lists(each, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "B", "secret", "SECRET"]), each, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_no_value_of_a_masked_member_is_left(value):
    made = stored(ENTRY._replace(payload=orjson.dumps(value) or b"null"), mask=["secret"])

    def walk(each):
        if isinstance(each, dict):
            for name, inner in each.items():
                assert name.casefold() != "secret" or inner == MASK
                walk(inner)
        elif isinstance(each, list):
            for inner in each:
                walk(inner)

    walk(orjson.loads(made.payload))
