"""What is known of a flow, as policies read it."""

from keepgate.model.flow import NO_FLOW, FlowFact, Origin, Reach


def test_labels_say_what_and_from_where():
    flow = FlowFact((Origin("private", "crm", "get", 1.0), Origin("untrusted", "web", "", 2.0)), Reach.SINK)
    assert flow.labels == {"private", "private:crm", "untrusted", "untrusted:web"}
    assert flow.as_context() == {"labels": sorted(flow.labels), "values": [], "sink": True}


def test_without_a_flow_there_is_nothing():
    assert NO_FLOW.as_context() == {"labels": [], "values": [], "sink": False}
