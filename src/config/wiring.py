"""What is above tells what is below about itself: the one place where upward connections are made."""

import care.calendar


def wire() -> None:
    """Connect the floors; called once, when every app is loaded."""
    # Its tables exist only now.
    from scheduling.calendar import PORT  # noqa: PLC0415

    care.calendar.use(PORT)
