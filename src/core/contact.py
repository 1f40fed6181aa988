"""Ways to reach a person, in one normal form each, so that the same address is the same everywhere."""

import re

import phonenumbers
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

# What people type between the digits of a telephone number.
_PHONE_TEXT = re.compile(r"\+?[\d\s().\-/]+")


def looks_like_phone(value: str) -> bool:
    """Tell whether the text consists of nothing but what a telephone number is written with."""
    return bool(_PHONE_TEXT.fullmatch(value)) and any(character.isdigit() for character in value)


def normalise_phone(value: str) -> str:
    """Return E.164 where the number is international or valid in `PHONE_REGION`, else its 4 to 15 digits.

    Raises ValueError for what is not a telephone number, and for an international number that cannot exist.
    """
    text = value.strip()
    if not looks_like_phone(text) or not text.isascii():
        raise ValueError("must be a telephone number")
    region = settings.PHONE_REGION or None
    if text.startswith("+") or region:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            number = None
        if number is not None and phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if text.startswith("+"):
            raise ValueError("must be a telephone number that exists in its country")
    digits = re.sub(r"\D", "", text)
    if not 4 <= len(digits) <= 15:  # E.164 allows 15 digits at most
        raise ValueError("must have 4 to 15 digits")
    return digits


def normalise_email(value: str) -> str:
    """Return the address in lower case, or raise ValueError; at most 254 characters (RFC 5321, section 4.5.3.1)."""
    text = value.strip().lower()
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError("must be an e-mail address") from None
    if len(text) > 254:
        raise ValueError("must have at most 254 characters")
    return text
