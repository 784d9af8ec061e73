"""What servers say of their authorization, well-formed and not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepgate.auth.client import documents

PRM = "/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", {}),
        ("Bearer", {}),
        ("Basic realm=x", {}),
        (
            'Bearer resource_metadata="https://a/x", scope="a b"',
            {"resource_metadata": "https://a/x", "scope": "a b"},
        ),
        ("bearer error=invalid_token,scope=a", {"error": "invalid_token", "scope": "a"}),
        ('Basic realm="a, Bearer scope=x", Bearer scope="y"', {"scope": "y"}),
        ('Bearer scope="y", DPoP algs="ES256", scope="z"', {"scope": "y"}),
        ('Bearer realm="say \\"hi\\", x=y", scope=b', {"realm": 'say "hi", x=y', "scope": "b"}),
        ('Bearer SCOPE="a", scope="b"', {"scope": "a"}),
        ('Bearer scope="never ends', {"scope": '"never ends'}),
    ],
)
def test_challenges(header, found):
    assert documents.bearer(header) == found


@given(st.text(max_size=200))
def test_no_challenge_raises(text):
    documents.bearer(text)
    documents.bearer(f"Bearer {text}")


def test_places_of_documents():
    assert documents.resource_places("https://a.b:8/mcp/x?y=z") == (
        f"https://a.b:8{PRM}/mcp/x",
        f"https://a.b:8{PRM}",
    )
    assert documents.resource_places("https://a.b/") == (f"https://a.b{PRM}",)
    assert documents.issuer_places("https://a.b/t") == (
        "https://a.b/.well-known/oauth-authorization-server/t",
        "https://a.b/.well-known/openid-configuration/t",
        "https://a.b/t/.well-known/openid-configuration",
    )
    assert len(documents.issuer_places("https://a.b")) == 2


@pytest.mark.parametrize(
    ("resource", "fits"),
    [
        *(
            (each, True)
            for each in ("https://a/mcp", "https://a/mcp/", "https://a/", "https://a", "https://A/mcp")
        ),
        *(
            (each, False)
            for each in ("https://a/mc", "https://a/mcp/other", "https://a:8443/mcp", "https://b/mcp")
        ),
        *((each, False) for each in ("http://a/mcp", "https://a/mcp#x", None, ["https://a/mcp"])),
    ],
)
def test_a_resource_is_that_of_the_server_or_holds_it(resource, fits):
    assert documents.covers(resource, "https://a/mcp") is fits


@pytest.mark.parametrize(
    ("url", "local", "fits"),
    [
        ("https://a/x", False, True),
        ("http://a/x", False, False),
        ("http://localhost:1/x", True, True),
        ("javascript:alert(1)", True, False),
        ("file:///etc/passwd", True, False),
        ("https://u:p@a/", False, False),
        ("https://a/#x", False, False),
        ("https://a b/", False, False),
        ("https://a:99999/", False, False),
        ("https:///x", False, False),
        (7, True, False),
    ],
)
def test_what_may_be_asked(url, local, fits):
    assert documents.is_web(url, local=local) is fits


def test_scopes_are_words_and_bounded():
    assert documents.scopes_of('a "b" c\\ a d') == ("a", "d")
    assert documents.scopes_of(["a", 1, "b c", "é"]) == ("a",)
    assert len(documents.scopes_of(" ".join(map(str, range(1000))))) == 32
    assert documents.scopes_of(None) == ()
