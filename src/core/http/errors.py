"""How asking another server can fail."""


class OutboundError(Exception):
    """Another server could not be asked, or did not answer properly.

    `code` is for programs: `unsafe_address`, `off_origin`, `unreachable`, `tls`, `timeout`, `redirected`, `status`,
    `throttled`, `unauthorized`, `encoded`, `too_large`, `too_deep`, `too_many_records`, `not_json`, `wrong_shape`.
    `unreachable` is also a connection that broke off, or that spoke no HTTP. `detail` is a sentence of ours for people;
    it never repeats what the server sent. `status` is the server's HTTP status where it answered one, `retry_after` the
    seconds it asked us to wait.
    """

    def __init__(self, code: str, detail: str, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.retry_after = retry_after
