"""What every CredentialStore does. What its callers see is tested with the servicer."""

import asyncio
from datetime import timedelta

import pytest

from mesh.audit.log import Trail
from mesh.database import Database
from mesh.errors import Error, Forbidden, Invalid
from services.user.accounts.domain import Credentials
from services.user.accounts.store import AccountStore
from services.user.credentials.domain import LIFETIMES, Letter, Purpose
from services.user.credentials.letters import Letters, nobody
from services.user.credentials.store import CredentialStore
from services.user.credentials.store_sql import SqlCredentialStore
from services.user.mail.compose import Kind
from services.user.mail.domain import Mail
from services.user.mail.outbox_sql import SqlMailOutbox
from tests.contract.user.samples import NOW, account

ANNA = account("anna")
KNOWN = Credentials(ANNA, "hash")


@pytest.fixture
async def credentials(
    database: Database, trail: Trail, mails: SqlMailOutbox, accounts: AccountStore
) -> CredentialStore:
    await accounts.add(ANNA, "hash")
    await accounts.add(account("bea"), "hash")
    return SqlCredentialStore(database, trail, mails)


def notice(letters: Letters) -> Mail:
    return letters.notice(Kind.PASSWORD_CHANGED, ANNA, ANNA.email, NOW)


@pytest.mark.parametrize("purpose", Purpose)
async def test_a_link_is_good_until_it_ends(credentials: CredentialStore, letters: Letters, purpose: Purpose) -> None:
    """For its purpose; looking at it does not use it up."""
    letter = _letter(letters, purpose)
    await credentials.send(letter)
    ends = NOW + LIFETIMES[purpose]
    for now in (NOW, ends - timedelta(microseconds=1)):
        assert await credentials.look_at(letter.link.hash, purpose, now=now) == (letter.link, KNOWN)
    for purposes, now in (((purpose,), ends), (tuple(set(Purpose) - {purpose}), NOW)):
        with pytest.raises(Invalid, match="LINK_INVALID"):
            await credentials.look_at(letter.link.hash, *purposes, now=now)


async def test_a_letter_voids_the_one_before_of_its_purpose(credentials: CredentialStore, letters: Letters) -> None:
    """Of the same user, and no other."""
    first, second, other = letters.verify(ANNA, NOW), letters.verify(ANNA, NOW), letters.verify(account("bea"), NOW)
    for letter in (first, other, letters.reset(KNOWN, NOW), second):
        await credentials.send(letter)
    with pytest.raises(Invalid, match="LINK_INVALID"):
        await credentials.look_at(first.link.hash, Purpose.VERIFY, now=NOW)
    for letter in (second, other):
        await credentials.look_at(letter.link.hash, Purpose.VERIFY, now=NOW)


async def test_pretending_keeps_no_letter(credentials: CredentialStore, letters: Letters, mails: SqlMailOutbox) -> None:
    """Neither to nobody, nor to somebody who must not get it."""
    await credentials.ask_reset(letters.reset(Credentials(nobody("default", NOW), ""), NOW), NOW, known=False)
    await credentials.send(letters.change_email(ANNA, "bea@example.com", NOW), known=False)
    assert await mails.waiting() == 0


async def test_an_address_is_free_when_nobody_else_has_it(credentials: CredentialStore) -> None:
    """In any case of its letters; one's own is."""
    assert not await credentials.is_free("default", "BEA@example.com", ANNA.id)
    assert await credentials.is_free("default", "ANNA@example.com", ANNA.id)
    assert await credentials.is_free("default", "new@example.com", ANNA.id)
    assert await credentials.is_free("acme", "bea@example.com", ANNA.id)


async def test_of_a_reset_and_a_change_at_the_same_time_one_counts(
    credentials: CredentialStore, letters: Letters, accounts: AccountStore
) -> None:
    """Whichever comes second finds another password than the one that it knew."""
    letter = letters.reset(KNOWN, NOW)
    await credentials.send(letter)
    results = await asyncio.gather(
        credentials.use_reset(letter.link.hash, "by reset", notice(letters), NOW),
        credentials.change_password(KNOWN, "by change", notice(letters), keep="s-1", now=NOW),
        return_exceptions=True,
    )
    [refusal] = [result for result in results if isinstance(result, Error)]
    assert isinstance(refusal, Invalid | Forbidden)
    now_known = await accounts.credentials("default", "anna")
    assert now_known is not None
    assert now_known.password_hash == ("by change" if isinstance(refusal, Invalid) else "by reset")


async def test_a_password_is_only_changed_from_the_one_that_was_shown(
    credentials: CredentialStore, letters: Letters
) -> None:
    """Not from the one before."""
    await credentials.change_password(KNOWN, "second", notice(letters), keep="s-1", now=NOW)
    with pytest.raises(Forbidden, match="PASSWORD_WRONG"):
        await credentials.change_password(KNOWN, "third", notice(letters), keep="s-1", now=NOW)


async def test_sweeping_removes_links_that_have_ended(credentials: CredentialStore, letters: Letters) -> None:
    """A few at a time; those that are good stay."""
    for letter in (_letter(letters, purpose) for purpose in Purpose):
        await credentials.send(letter)
    assert [await credentials.sweep(NOW + timedelta(hours=1), limit) for limit in (1, 5, 5)] == [1, 1, 0]
    assert await credentials.sweep(NOW + timedelta(days=1), 5) == 2


def _letter(letters: Letters, purpose: Purpose) -> Letter:
    match purpose:
        case Purpose.VERIFY:
            return letters.verify(ANNA, NOW)
        case Purpose.EMAIL:
            return letters.change_email(ANNA, "new@example.com", NOW)
        case Purpose.RESET:
            return letters.reset(KNOWN, NOW)
        case Purpose.UNLOCK:
            return letters.unlock(ANNA, NOW)
