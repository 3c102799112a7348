"""What can go wrong outside, named by what to do next.

SourceError
├── BadCredentials        ask the person for another key
├── NotPermitted          the key works, its user may not do this
├── AccountUnavailable    the account has to be paid or reopened
├── WrongAddress          ask the person for another address
├── TemporarilyDown       try later; nothing to do
│   ├── TooSlow           have more patience
│   └── RateLimited       try after `retry_after` seconds
│       └── NoCallFree    the same; nothing was asked, so nothing is known
│           └── NoCallInTime  both: have more patience, and it will be asked
└── UnexpectedAnswer      a developer should look

The text of each error is a sentence that a customer may read. It never holds a key or anything the other side sent.
"""

from typing import Literal

FieldName = Literal["api_url", "api_key"]


class SourceError(Exception):
    """A failure outside.

    `field` names the form field at fault, if one is. `code` is a short, stable word for logs and tests.
    """

    field: FieldName | None = None
    code: str = "source_error"

    def __init__(self, message: str, *, code: str = "", field: FieldName | None = None) -> None:
        super().__init__(message)
        self.code = code or self.code
        self.field = field or self.field


class BadCredentials(SourceError):
    """The key was refused, and refused again when asked again."""

    field = "api_key"
    code = "key_refused"


class NotPermitted(SourceError):
    """The key works, but its user or plan may not read this."""

    field = "api_key"
    code = "not_permitted"


class AccountUnavailable(SourceError):
    """The account is unpaid, closed or suspended."""

    field = "api_url"
    code = "account_unavailable"


class WrongAddress(SourceError):
    """Nothing that speaks this source's API is at the address."""

    field = "api_url"
    code = "wrong_address"


class TemporarilyDown(SourceError):
    """The other side could not be reached or had a fault; asking later may help.

    `retry_after` is the number of seconds that the other side asked for, if it did.
    """

    field = "api_url"
    code = "temporarily_down"

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        field: FieldName | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, code=code, field=field)
        self.retry_after = retry_after


class TooSlow(TemporarilyDown):
    """It was not done when the time for it was over; with more it may be."""

    code = "deadline"


class RateLimited(TemporarilyDown):
    """Too many calls; the other side said to wait."""

    code = "rate_limited"


class NoCallFree(RateLimited):
    """The account's budget has no call for this within a person's patience, so none was made."""

    code = "no_call_free"


class NoCallInTime(TooSlow, NoCallFree):
    """There will be a free call soon, but later than the patience lasts."""

    code = "no_call_in_time"


class UnexpectedAnswer(SourceError):
    """The other side answered in a way that nobody foresaw."""

    field = "api_url"
    code = "unexpected_answer"
