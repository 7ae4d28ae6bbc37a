"""Words, questions and snippets."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesh.errors import Invalid
from services.message.messages.domain import Message
from services.message.search.domain import AROUND, MAX_WORD, Question, Term, passes, snippet, terms, words

AT = datetime(2026, 5, 1, tzinfo=UTC)


def tokens(text: str) -> list[str]:
    return [word.token for word in words(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World-wide web!", ["hello", "world", "wide", "web"]),
        ("don't_do", ["don", "t", "do"]),
        ("Ärger ARGER arger", ["arger", "arger", "arger"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("Ελλάδα ΕΛΛΑΔΑ", ["ελλαδα", "ελλαδα"]),
        ("東京 タワー2", ["東", "京", "タ", "ワ", "ー", "2"]),
        ("x² ⑴ ½", ["x2", "1", "12"]),
        ("👍 … \u200d", []),
        ("", []),
    ],
)
def test_words_are_compared_without_case_and_accents(text: str, expected: list[str]) -> None:
    """Whatever stands between them does not count."""
    assert tokens(text) == expected


def test_of_an_endless_word_the_beginning_counts() -> None:
    """On both sides alike."""
    assert tokens("a" * 5000) == ["a" * MAX_WORD]
    assert terms("a" * 200) == (Term(("a" * MAX_WORD,), True),)


def test_a_question_has_words_that_may_go_on_and_words_that_follow_each_other() -> None:
    """Each once; what is no word is left out, and so is the end of a quotation that is missing."""
    assert terms('Foo foo "Bar baz" don\'t ... ""') == (
        Term(("foo",), True),
        Term(("bar", "baz"), False),
        Term(("don", "t"), True),
    )
    assert terms('x "y z') == (Term(("x",), True), Term(("y", "z"), False))


@pytest.mark.parametrize("q", ["", " ", '""', "'", "* - ^ : ( )", "👍", '"'])
def test_a_question_without_a_word_is_none(q: str) -> None:
    """It says so, instead of finding nothing or everything."""
    with pytest.raises(Invalid, match="QUERY_EMPTY"):
        terms(q)


def shown(text: str, q: str) -> str:
    return "".join(f"[{piece.text}]" if piece.is_hit else piece.text for piece in snippet(text, terms(q)))


@pytest.mark.parametrize(
    ("text", "q", "expected"),
    [
        ("The quick brown fox", "quick", "The [quick] brown fox"),
        ("Foxes and a fox", "fox", "[Foxes] and a [fox]"),
        ("one two one", '"one two"', "[one] [two] one"),
        ("one twofold", '"one two"', "one twofold"),
        ("Ärger <b>", "arger", "[Ärger] <b>"),
        ("東京タワー", "京タ", "東[京][タ]ワー"),
        ("nothing", "else", "nothing"),
    ],
)
def test_a_snippet_marks_what_was_found(text: str, q: str, expected: str) -> None:
    """As it is written."""
    assert shown(text, q) == expected


def test_a_long_text_is_cut_around_the_first_hit() -> None:
    """Where words begin and end."""
    text = "lorem ipsum " * 100 + "needle " + "dolor sit " * 100
    part = shown(text, "needle")
    assert "[needle]" in part
    assert len(part) <= AROUND + 2
    assert part.split()[0] in ("lorem", "ipsum")
    assert part.split()[-1] in ("dolor", "sit")


@given(st.text(max_size=400), st.text(min_size=1, max_size=30))
def test_a_snippet_is_a_part_of_the_text(text: str, q: str) -> None:
    """Whatever both are."""
    try:
        asked = terms(q)
    except Invalid:
        return
    pieces = snippet(text, asked)
    assert "".join(piece.text for piece in pieces) in text
    assert all(piece.text for piece in pieces)


@given(st.text(max_size=60))
def test_words_are_letters_and_digits(text: str) -> None:
    """So that they mean nothing to any database; and they stand where they say."""
    for word in words(text):
        assert word.token.isalnum()
        assert not set(word.token) & set("'\"\\*:&|!<>()^ ")
        assert text[word.start : word.end]


def test_times_and_places_are_exact() -> None:
    """The earlier end counts in, the later one does not."""
    message = Message("m", "w", "c", 1, "s", "k", "text", "", {}, 1, AT)
    question = Question(terms("text"))
    assert passes(message, question)
    assert passes(message, Question(question.terms, "c", after=AT))
    assert not passes(message, Question(question.terms, "other"))
    assert not passes(message, Question(question.terms, before=AT))
    assert not passes(message, Question(question.terms, after=AT.replace(microsecond=1)))
