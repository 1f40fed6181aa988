"""Ages in bands."""

from federation.deidentify.labels import UNKNOWN

# Every band of twenty years, in order.
TWENTIES = ("0-19", "20-39", "40-59", "60-79", "80+", UNKNOWN)


def band_in_fives(age: int | None) -> str:
    """Return the band of five years, such as `40-44`; everybody from 90 on is in one, `90+`."""
    return _band(age, width=5, open_from=90)


def band_in_twenties(age: int | None) -> str:
    """Return the band of twenty years, such as `40-59`; everybody from 80 on is in one, `80+`."""
    return _band(age, width=20, open_from=80)


def _band(age: int | None, *, width: int, open_from: int) -> str:
    if age is None:
        return UNKNOWN
    if age >= open_from:
        return f"{open_from}+"
    first = age - age % width
    return f"{first}-{first + width - 1}"
