"""What calls had in common, as a condition that all of them meet."""

import pytest

from keepgate.policy.conditions import Argument, When
from keepgate.policy.observed import HOSTS, NAMES, SAMPLES, Observed


def seen(*calls):
    found = Observed()
    for each in calls:
        found.add(each)
    return found


def when(*calls):
    return seen(*calls).when()


@pytest.mark.parametrize(
    ("values", "test"),
    [
        (["/srv/a/1", "/srv/a/2", "/srv/a/b/3"], Argument(below="/srv/a")),
        (["/srv/a/../a/1", "/srv/a//2", "file:///srv/a/3"], Argument(below="/srv/a")),
        (["/srv/a/1"] * 3, Argument(below="/srv/a")),
        (["/srv/a", "/srv/a/b", "/srv/a/c"], Argument(below="/srv")),
        ([["/srv/a/1", "/srv/b/2"]] * 3, Argument(below="/srv")),
        (
            ["https://a.example/x", "https://b.example/y", "https://a.example/z"],
            Argument(hosts=("a.example", "b.example")),
        ),
        (["x@example.com", "y@example.com", "z@example.com"], Argument(hosts=("example.com",))),
        ([f"https://h{n}.example.com/" for n in range(HOSTS + 1)], Argument(domains=("example.com",))),
    ],
)
def test_paths_and_places(values, test):
    assert when(*({"at": value} for value in values)) == When(arguments={"at": test})


@pytest.mark.parametrize(
    "values",
    [
        ["/srv/a/1", "/srv/a/2"],
        ["/srv/1", "/etc/2", "/home/3"],
        ["a/1", "a/2", "a/3"],
        ["/srv/1", "/srv/2", "hello"],
        ["/srv/1", "/srv/2", "~/3"],
        ["/srv/1", "/srv/2", 3],
        ["/srv/1", "/srv/2", "/srv/../../etc"],
        ["https://a.example/", "https://a.example/", "/srv"],
        [f"https://a{n}.example{n}.com/" for n in range(HOSTS + 1)],
        ["https://u@a.example/"] * 3,
        ["hello", "you", "there"],
        [1, 2, 3],
        [None, None, None],
    ],
)
def test_nothing_is_concluded_from_too_little_or_from_what_differs(values):
    assert when(*({"at": value} for value in values)) is None


def test_an_argument_that_is_not_always_there_may_be_left_out():
    calls = [{"at": "/srv/1"}, {"at": "/srv/2"}, {"at": "/srv/3"}, {}]
    assert when(*calls) == When(arguments={"at": Argument(below="/srv", absent=True)})


def test_two_are_joined_as_if_they_were_one():
    calls = [{"at": f"/srv/{n % 3}/x", "to": f"a@h{n}.example.com"} for n in range(20)]
    for cut in (0, 1, 7, 20):
        one, other = seen(*calls[:cut]), seen(*calls[cut:])
        one.join(other)
        assert (one.when(), one.calls) == (when(*calls), 20)


def test_what_is_kept_is_bounded():
    found = seen(*({f"a{n}": "/srv/x", "odd.name": "/srv/x", "": "/x"} for n in range(200)))
    assert len(found.arguments) == NAMES
    assert len(found.samples) == SAMPLES
    assert not {"odd.name", ""} & found.arguments.keys()
