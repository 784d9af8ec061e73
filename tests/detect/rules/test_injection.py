"""Nothing that is only words is sure enough to block by itself."""

from keepgate.detect.rules.injection import RULES
from keepgate.model.finding import Confidence


def test_only_hidden_text_is_confirmed():
    assert {rule.id for rule in RULES if rule.confidence is Confidence.CONFIRMED} == {"attack.hidden-text"}
    assert all(rule.family == "attack" and rule.taxonomy for rule in RULES)
