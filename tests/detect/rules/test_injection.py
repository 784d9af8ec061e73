"""Nothing that is only words is sure enough to block by itself."""

from keepgate.detect.detector import PatternDetector
from keepgate.detect.rules.injection import RULES
from keepgate.model.finding import Confidence


def test_only_hidden_text_is_confirmed():
    assert {rule.id for rule in RULES if rule.confidence is Confidence.CONFIRMED} == {"attack.hidden-text"}
    assert all(rule.family == "attack" and rule.taxonomy for rule in RULES)


def test_an_example_of_a_chat_format_is_no_forged_turn():
    text = "<|im_start|>system\nYou help.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant"
    seen = PatternDetector(RULES).look({"q": text})
    assert {each.finding.rule for each in seen} == {"attack.chat-markup"}
