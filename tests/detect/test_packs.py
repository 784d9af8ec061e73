"""Packs in the form of gitleaks: keywords, entropy, allow-lists, broken packs; and ours over the cases of secrets."""

import time
from importlib import resources

import pytest

from keepgate.config.inspection import detectors
from keepgate.detect.packs import PackDetector, entropy, parse
from keepgate.model.errors import ConfigError
from keepgate.model.finding import Confidence
from tests.detect.corpus import A32, HEX32, NEAR_MISSES, SECRETS

OURS = parse(resources.files("keepgate.detect.packs").joinpath("secrets.toml").read_text())
PACK = PackDetector(OURS)
ALL = detectors()

FORMATS = [
    "A3-RWFVEA-XWKKXZWWHP0-4FUJF-NXAW7-BNMLI",
    "glimt-" + A32[:25],
    "gloas-" + A32 + A32,
    "rk_prod_" + A32,
    "sk-or-v1-" + HEX32 + HEX32,
    "gsk_" + A32 + A32[:20],
    "dt0c01." + A32[:24].lower() + "." + (A32 + A32).lower(),
    "shippo_live_" + HEX32 + HEX32[:8],
    "ntn_14340078710" + A32 + A32[:3],
    "tskey-auth-" + A32[:12] + "-" + A32,
    "dckr_pat_" + A32[:27],
    "https://hooks.slack.com/services/T02ABCDEF/B03GHIJKL/" + A32[:24],
    "algolia_key = " + A32.lower(),
    "NETLIFY_TOKEN: '" + A32 + A32[:10] + "'",
    "hubspot => cb49cf7a-e90f-ed7d-8e12-249b03aa20a9",
    f'curl -H "Authorization: Bearer {A32}" https://api.corp.net',
    "curl -u admin:Xk29dkQ0z https://api.corp.net",
    '<add key="ClearTextPassword" value="h/lOw@9T|rnH$B6" />',
    "machine api.corp.net login deploy password Xk29dkQ0z",
    '"private_key_id": "' + HEX32 + HEX32[:8] + '"',
]


@pytest.mark.parametrize("text", FORMATS)
def test_formats(text):
    assert PACK.look({"t": f"before {text} after"})


@pytest.mark.parametrize(
    ("rule", "text"), [(rule, text) for rule, texts in SECRETS.items() for text in texts]
)
def test_no_format_is_lost_between_rules_and_pack(rule, text):
    assert any(seen.family == "secret" for each in ALL for seen in each.look({"t": f"before {text} after"}))


@pytest.mark.parametrize(
    "text",
    [
        *NEAR_MISSES,
        "https://github.com/org/repo/blob/0f3c9a7be1d24586b0f3c9a7be1d2458aabbccdd/src/main.py",
        '{"twitter": "https://twitter.com/someone", "discord": "https://discord.gg/abc123def456ghi"}',
        '{"nextPageToken": "CAUQAA", "slack_channel": "C024BE91LABCDEF"}',
        "linear: a straight line; square: four sides; segment: 12345678901234567890",
        "sha512-B5FXZPf7stg7NvlE3LaruSrjLnonWKTn9UGKzEesg61SHE/qaQQ0NV3vTH1lS6V6+o9jl8zSOwW/rXL+iuItEn==",
        'image: "nginx@sha256:b8f89a50f8a8e9bb8bdb5eba456bf92d5d98065e5751f75143a5f61debc267b0"',
    ],
)
def test_look_alikes_are_not_confirmed(text):
    assert not [s for s in PACK.look({"t": text}) if s.finding.confidence is Confidence.CONFIRMED]


def test_every_rule_of_ours_has_keywords_and_a_title():
    assert len(OURS) > 130
    assert all(rule.keywords and rule.title for rule in OURS)
    assert len({rule.id for rule in OURS}) == len(OURS)


GITLEAKS = """
title = "theirs"
[allowlist]
regexes = ['''EXAMPLE''']
[[rules]]
id = "acme"
description = "Acme token"
regex = '''(?i)(acme)[=: ]+([a-z0-9]{8,})'''
secretGroup = 2
keywords = ["Acme"]
entropy = 2.5
[[rules.allowlists]]
stopwords = ["localhost"]
[[rules]]
id = "a-path-only"
path = '''\\.env$'''
"""


def test_a_pack_of_gitleaks_is_read():
    (rule,) = parse(GITLEAKS)
    assert rule.id == "secret.acme"
    (seen,) = PackDetector([rule]).look(
        {"a": "ACME: x8k2m9q4 and acme=aaaaaaaa and acme=EXAMPLEk2m9 acme=localhost12"}
    )
    assert seen.text == "x8k2m9q4"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense [", "no valid TOML"),
        ("[[rules]]\nid='x'\nregex='('", "`x` is not usable"),
        ("[[rules]]\nid='x'\nregex='a(?=b)'", "`x` is not usable"),
        ("[[rules]]\nid='x'\nregex='a'\nentropy='y'", "`x` is not usable"),
    ],
)
def test_a_broken_pack_is_named(text, says):
    with pytest.raises(ConfigError, match=says):
        parse(text, "pack.toml")


def test_hostile_text_takes_linear_time():
    for unit in (
        "token=",
        "ey",
        "curl -u ",
        "algolia" + "a" * 40,
        "-----BEGIN PRIVATE KEY-----",
        "kind: secret data: ",
    ):
        text = unit * (400_000 // len(unit))
        start = time.process_time()
        PACK.look(text)
        assert time.process_time() - start < 25, unit


def test_entropy():
    assert entropy("") == 0
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
