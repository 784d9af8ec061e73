"""What a remembered approval covers, in words that a person reads before approving it."""

import pytest

from keepgate.model.approval import Constraint


@pytest.mark.parametrize(
    ("constraint", "said"),
    [
        (Constraint(), "exactly these arguments"),
        (Constraint(free=("memo", "to")), "any `memo`, any `to`"),
        (Constraint(most=(("amount", 50),)), "`amount` up to 50"),
        (Constraint(free=("memo",), most=(("amount", 0.5),)), "any `memo`, `amount` up to 0.5"),
    ],
)
def test_a_constraint_says_what_it_lets_go_of(constraint, said):
    assert str(constraint) == said
