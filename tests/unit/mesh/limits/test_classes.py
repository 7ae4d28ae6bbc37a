"""The table of limits."""

from mesh.limits.classes import ACCOUNT, defaults, widened


def test_a_development_installation_is_wide_for_all_but_accounts() -> None:
    """A hundred times as much at once and in the long run; guessing at one account stays as slow."""
    for name, scopes in defaults().items():
        for scope, limit in scopes.items():
            wide = widened()[name][scope]
            if scope == ACCOUNT:
                assert wide == limit
            else:
                assert (wide.burst, round(wide.rate / limit.rate)) == (limit.burst * 100, 100)
