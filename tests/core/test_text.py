"""Text is kept exactly as it came, or refused; searching folds case and accents."""

import pytest
from pydantic import TypeAdapter, ValidationError

from core.contact import normalise_email, normalise_phone
from core.text import Line, Name, Paragraph, search_key


@pytest.mark.parametrize("text", ["José Ángel", " leading", "O'Brien-Smith", "田中さん", "محمد", "Zoë 👩🏽‍⚕️"])
def test_names_are_kept_exactly(text):
    assert TypeAdapter(Name).validate_python(text) == text


@pytest.mark.parametrize("text", ["", " ", "\u200b\u200b", "a\nb", "a\x07b", "a\x7fb", "\u202eevil", "x" * 151])
def test_names_that_would_not_show_are_refused(text):
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python(text)


def test_paragraphs_keep_their_lines():
    text = "First.\n\n\tSecond.\r\n"
    assert TypeAdapter(Paragraph).validate_python(text) == text
    with pytest.raises(ValidationError):
        TypeAdapter(Paragraph).validate_python("bell\x07")
    with pytest.raises(ValidationError):
        TypeAdapter(Line).validate_python(text)


@pytest.mark.parametrize(("stored", "asked"), [("Gómez", "gomez"), ("STRASSE", "straße"), ("Ångström", "angstrom")])
def test_search_folds_case_and_accents(stored, asked):
    assert search_key(stored) == search_key(asked)


class TestPhones:
    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("01712345678", "01712345678"),
            ("0171 234-5678", "01712345678"),
            ("+880 1712 345678", "+8801712345678"),
            ("+49 (30) 901820", "+4930901820"),
            ("112233", "112233"),
        ],
    )
    def test_without_a_region_local_numbers_keep_their_digits(self, settings, typed, kept):
        settings.PHONE_REGION = ""
        assert normalise_phone(typed) == kept

    def test_with_a_region_valid_local_numbers_become_international(self, settings):
        settings.PHONE_REGION = "BD"
        assert normalise_phone("01712345678") == normalise_phone("+8801712345678") == "+8801712345678"

    @pytest.mark.parametrize(
        "typed", ["", "+", "123", "1" * 16, "+1", "+999 1234567", "12a45", "١٢٣٤٥٦", "--", "1;2;3;4"]
    )
    def test_what_is_no_number_is_refused(self, typed):
        with pytest.raises(ValueError, match="must"):
            normalise_phone(typed)


class TestEmails:
    def test_case_does_not_matter(self):
        assert normalise_email(" Alice@Example.COM ") == "alice@example.com"

    @pytest.mark.parametrize("typed", ["", "a", "a@", "@b.c", "a b@c.de", "a@b\n.com", "a" * 250 + "@example.com"])
    def test_what_is_no_address_is_refused(self, typed):
        with pytest.raises(ValueError, match="must"):
            normalise_email(typed)
