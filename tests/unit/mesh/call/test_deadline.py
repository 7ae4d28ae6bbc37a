"""How much time a call gets."""

import pytest

from mesh.call.deadline import SLACK_S, budget_s


@pytest.mark.parametrize(
    ("asked_s", "policy_s", "remaining_s", "expected"),
    [
        (None, None, None, None),
        (5.0, None, None, 5.0),
        (None, 3.0, None, 3.0),
        (5.0, 3.0, None, 3.0),
        (2.0, 3.0, None, 2.0),
        (5.0, 3.0, 1.0, 1.0 - SLACK_S),
        (0.1, 3.0, 1.0, 0.1),
        (None, None, 0.01, 0.01 - SLACK_S),
    ],
)
def test_the_least_limit_holds(
    asked_s: float | None, policy_s: float | None, remaining_s: float | None, expected: float | None
) -> None:
    """The caller's wish, the method's limit and what is left of the request: the least of them."""
    assert budget_s(asked_s=asked_s, policy_s=policy_s, remaining_s=remaining_s) == expected
