"""Whether the model test would notice: six services with a mistake are six that it finds."""

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from mesh.telemetry.logs import configure_logs
from tests.model import mutants
from tests.model.house import GRPC, SqliteFiles
from tests.model.machine import Machine

Mutant = Callable[[pytest.MonkeyPatch, SqliteFiles], None]
TWICE = "a repeat is not known|numbers are not 1 to N|acknowledged is lost"
SEEDS = range(3)
SETTINGS = settings(
    max_examples=40,
    stateful_step_count=50,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    verbosity=Verbosity.quiet,
)


@pytest.mark.usefixtures("restored_logs")
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("mutant", "said"),
    [
        (mutants.ack_before_write, "acknowledged is lost|numbers are not 1 to N|instead of|the index does not follow"),
        (mutants.no_unique_index, TWICE),
        (mutants.no_dedupe, TWICE),
        (mutants.marker_overwrite, "a mark is wrong|instead of"),
        (mutants.relay_by_id, "the bus was not told"),
        (mutants.partial_recovery, "the place after the page"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_mistake_is_found(mutant: Mutant, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And told as what it is."""
    configure_logs("text", "critical")
    files = SqliteFiles(tmp_path)
    mutant(monkeypatch, files)

    told: list[str] = []

    class Broken(Machine):
        """Keeps what was found first: a mistake that shows only sometimes is one all the same."""

        ground, surface = files, GRPC

        def teardown(self) -> None:
            error = sys.exc_info()[1]
            try:
                super().teardown()
            except AssertionError as late:
                error = late
                raise
            finally:
                if isinstance(error, AssertionError):
                    told.append(str(error))

    for number in SEEDS:
        # What depends on the clock can end a run before anything is found.
        with suppress(AssertionError, Flaky):
            run_state_machine_as_test(seed(number)(Broken), settings=SETTINGS)
        if told:
            break
    assert told, "nothing was found"
    assert re.search(said, told[0]), told[0]
