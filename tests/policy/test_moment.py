from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from keepgate.policy.moment import moment


@pytest.mark.parametrize(
    ("seconds", "zone", "told"),
    [
        (0.0, UTC, (0, 0, "thu", "1970-01-01")),
        (1_795_257_000.0, UTC, (10, 30, "sat", "2026-11-21")),
        (1_795_257_000.0, ZoneInfo("Asia/Kolkata"), (16, 0, "sat", "2026-11-21")),
        (1_795_293_000.0, ZoneInfo("Pacific/Auckland"), (9, 30, "sun", "2026-11-22")),
        (1_782_900_000.0, ZoneInfo("Europe/Berlin"), (12, 0, "wed", "2026-07-01")),
    ],
)
def test_the_time_in_its_zone(seconds, zone, told):
    found = moment(seconds, zone)
    assert (found["hour"], found["minute"], found["weekday"], found["date"]) == told
