"""A machine may be busy with other tests: what is slow must not look like what is wrong."""

from dataclasses import replace
from functools import cache

import pytest

from mesh.policy.methods import MethodPolicy, policy_of

PATIENCE_S = 60.0


@cache
def patient(method: str) -> MethodPolicy:
    policy = policy_of(method)
    return replace(policy, deadline_s=PATIENCE_S) if policy.deadline_s is not None else policy


@pytest.fixture(autouse=True)
def _patient_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("channel", "interceptors"):
        monkeypatch.setattr(f"mesh.call.{module}.policy_of", patient)
