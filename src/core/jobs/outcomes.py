"""How a handler ends other than by returning, as exceptions."""


class RunLater(Exception):
    """Not now: try again no sooner than after `seconds`. It counts as an attempt; `detail` is a sentence of ours."""

    def __init__(self, seconds: float, detail: str) -> None:
        super().__init__(detail)
        self.seconds = seconds
        self.detail = detail


class GiveUp(Exception):
    """Never: trying again would not help. `code` is for programs, `detail` a sentence of ours for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class LeaseLost(Exception):
    """The attempt is not the job's last one any more, or the job has ended: whatever this worker writes is refused."""


class Cancelled(Exception):
    """Somebody asked the job to stop."""
