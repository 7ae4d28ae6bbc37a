"""Random operations, crashes among them: what the service answers is what the model says, on each surface.

`CHAT_TEST_MODEL_EXAMPLES` sets how many runs each machine makes. They are the same each time, unless
`CHAT_TEST_MODEL_RANDOM` is set.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from mesh.telemetry.logs import configure_logs
from tests.contract.databases import KINDS
from tests.model.house import GRPC, REST, ground
from tests.model.machine import Machine

EXAMPLES, STEPS = int(os.environ.get("CHAT_TEST_MODEL_EXAMPLES", "5")), 50
RANDOM = bool(os.environ.get("CHAT_TEST_MODEL_RANDOM"))
PARTS = 5
"""Of the whole run, so that the processes of a test run share it: 5 x 5 x 50 steps, and 5,250 with 21 examples."""

SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    derandomize=False,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate, Phase.shrink] if RANDOM else [Phase.generate],
)


@pytest.mark.usefixtures("restored_logs")
@pytest.mark.timeout(max(300, 20 * EXAMPLES))
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("kind", KINDS)
def test_the_service_does_what_the_model_says(kind: str, part: int, tmp_path: Path) -> None:
    configure_logs("text", "warning")
    with ground(kind, tmp_path) as found:

        class Here(Machine):
            ground, surface = found, (GRPC, REST)[part % 2]

        run_state_machine_as_test(Here if RANDOM else seed(part)(Here), settings=SETTINGS)
