"""Secrets at rest: sealed under keys that are not in the database, each for one purpose alone."""

import pytest

from core.secrets import CannotOpen, open_sealed, reseal, seal

OLD, NEW = "old-" + "k" * 60, "new-" + "k" * 60
PURPOSE = "hospital 1 https://hospital.example:443"


@pytest.fixture
def keys(settings):
    """Set the keys, newest first: `keys(NEW, OLD)`."""

    def choose(*chosen):
        settings.SECRETS_KEYS = list(chosen)

    choose(OLD)
    return choose


@pytest.mark.parametrize("text", ["", "token", "ä 😀 \x00 \n", "x" * 4000])
def test_what_was_sealed_opens_again(text):
    sealed = seal(text, purpose=PURPOSE)
    assert open_sealed(sealed, purpose=PURPOSE) == text
    assert sealed.isascii()


def test_a_sealed_value_shows_nothing(keys):
    first, second = seal("hunter2", purpose=PURPOSE), seal("hunter2", purpose=PURPOSE)
    assert first != second
    assert "hunter2" not in first
    assert "hospital" not in first


@pytest.mark.parametrize(
    "purpose",
    [
        "",
        "hospital 2 https://hospital.example:443",
        "hospital 1 https://hospital.example:8443",
        "hospital 1 http://hospital.example:443",
        PURPOSE + " ",
        PURPOSE.upper(),
    ],
)
def test_a_value_opens_for_its_own_purpose_only(keys, purpose):
    sealed = seal("hunter2", purpose=PURPOSE)
    with pytest.raises(CannotOpen, match="another purpose"):
        open_sealed(sealed, purpose=purpose)
    with pytest.raises(CannotOpen, match="another purpose"):
        reseal(sealed, purpose=purpose)


def test_a_purpose_cannot_be_moved_into_the_text(keys):
    with pytest.raises(CannotOpen):
        open_sealed(seal("b" + "text", purpose="a"), purpose="ab")


@pytest.mark.parametrize("change", [lambda s: s[:-4], lambda s: s[:40] + "A" + s[41:], lambda s: "", lambda s: "A" + s])
def test_a_changed_value_does_not_open(keys, change):
    sealed = seal("hunter2", purpose=PURPOSE)
    assert change(sealed) != sealed
    with pytest.raises(CannotOpen, match="no key in SECRETS_KEYS"):
        open_sealed(change(sealed), purpose=PURPOSE)


def test_an_unknown_key_is_named_in_the_error_and_the_value_is_not(keys):
    sealed = seal("hunter2", purpose=PURPOSE)
    keys(NEW)
    with pytest.raises(CannotOpen, match="no key in SECRETS_KEYS") as failure:
        open_sealed(sealed, purpose=PURPOSE)
    assert sealed not in repr(failure.value)
    assert failure.value.__suppress_context__


def rotate(keys, count):
    """Seal with the old key, reseal with the new one, take the old one away."""
    texts = [f"token-{number}" for number in range(count)]
    keys(OLD)
    sealed = [seal(text, purpose=f"hospital {number}") for number, text in enumerate(texts)]
    keys(NEW, OLD)
    assert [open_sealed(each, purpose=f"hospital {number}") for number, each in enumerate(sealed)] == texts
    resealed = [reseal(each, purpose=f"hospital {number}") for number, each in enumerate(sealed)]
    keys(NEW)
    assert [open_sealed(each, purpose=f"hospital {number}") for number, each in enumerate(resealed)] == texts
    assert opened(sealed) == 0
    keys(OLD)
    assert opened(resealed) == 0
    assert opened(sealed) == count


def opened(sealed):
    """Count the values that open."""
    count = 0
    for number, each in enumerate(sealed):
        try:
            open_sealed(each, purpose=f"hospital {number}")
        except CannotOpen:
            continue
        count += 1
    return count


def test_a_key_is_retired_without_losing_anything(keys):
    rotate(keys, 100)


@pytest.mark.prove
def test_ten_thousand_secrets_are_rotated(keys, proof_scale):
    rotate(keys, int(10_000 * proof_scale))


def test_new_values_are_sealed_under_the_newest_key(keys):
    keys(NEW, OLD)
    sealed = seal("hunter2", purpose=PURPOSE)
    keys(NEW)
    assert open_sealed(sealed, purpose=PURPOSE) == "hunter2"


def test_the_derived_key_is_the_only_one_where_none_is_given(settings):
    [derived] = settings.SECRETS_KEYS
    assert derived not in (settings.SECRET_KEY, settings.AUDIT_KEY, settings.IDEMPOTENCY_KEY)
