"""Where the instances of a service are."""

from collections.abc import Sequence
from typing import Any

import pytest

from mesh.call.instances import HERE, Addresses, Instances, balanced, listed, may_be_several


def no_channel(address: str) -> Any:
    raise AssertionError(address)


class Names:
    """Answers one list after the other, then the last one; a string is an error."""

    def __init__(self, *answers: Sequence[str] | str) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise OSError(answer)
        return answer


@pytest.mark.parametrize(
    ("target", "addresses"),
    [
        ("", (HERE,)),
        ("127.0.0.1:5001", ("127.0.0.1:5001",)),
        ("ipv4:127.0.0.1:5002,127.0.0.1:5001", ("127.0.0.1:5001", "127.0.0.1:5002")),
        ("ipv6:[::1]:5001", ("[::1]:5001",)),
        ("b:1, a:1,,b:1", ("a:1", "b:1")),
        ("xds:///messages", ("xds:///messages",)),
    ],
)
async def test_what_is_listed_never_changes(target: str, addresses: Addresses) -> None:
    """It is told once."""
    assert listed(target) == addresses
    assert [found async for found in Instances(target, no_channel).watch()] == [addresses]
    assert may_be_several(target) == (len(addresses) > 1)


async def test_a_name_is_looked_up_again_and_again() -> None:
    """Each change is told; what fails, finds nobody or says the same again is not."""
    names = Names(["10.0.0.2", "10.0.0.1"], ["10.0.0.1", "10.0.0.2"], "no answer", [], ["::1", "10.0.0.3"])
    watch = Instances("dns:///messages:5001", no_channel, names).watch(every_s=0)
    assert await anext(watch) == ("10.0.0.1:5001", "10.0.0.2:5001")
    assert await anext(watch) == ("10.0.0.3:5001", "[::1]:5001")
    assert may_be_several("dns:///messages:5001")
    assert may_be_several("dns:messages:5001")


@pytest.mark.parametrize(
    ("target", "to_grpc"),
    [
        ("127.0.0.1:5001", "127.0.0.1:5001"),
        ("dns:///messages:5001", "dns:///messages:5001"),
        ("ipv4:127.0.0.1:5002,127.0.0.1:5001", "ipv4:127.0.0.1:5001,127.0.0.1:5002"),
        ("127.0.0.1:5001,127.0.0.1:5002", "ipv4:127.0.0.1:5001,127.0.0.1:5002"),
        ("[::1]:5001,[::1]:5002", "ipv6:[::1]:5001,[::1]:5002"),
        ("localhost:5001,127.0.0.1:5002", "ipv4:127.0.0.1:5001,127.0.0.1:5002"),
    ],
)
def test_what_grpc_is_given(target: str, to_grpc: str) -> None:
    """It takes several addresses only as numbers."""
    assert balanced(target) == to_grpc
