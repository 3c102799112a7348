"""The failures of a call, in sentences that a customer may read."""

from dataclasses import dataclass

from sources.errors import TemporarilyDown, TooSlow, UnexpectedAnswer, WrongAddress


@dataclass(frozen=True)
class Failures:
    """Makes the error for each way in which a call to `service` can fail."""

    service: str

    def no_such_host(self, code: str) -> WrongAddress:
        """A name that is unknown and a name that leads inside read the same: the difference would map our network."""
        return WrongAddress(
            f"We couldn't find that {self.service} address. Check the spelling of the API URL.", code=code
        )

    def lookup_failed(self) -> TemporarilyDown:
        return TemporarilyDown("We couldn't look up the address just now. Try again later.", code="dns_temporary")

    def no_answer(self) -> TemporarilyDown:
        return TemporarilyDown(f"{self.service} did not answer. Try again later.", code="no_connection")

    def no_way_out(self) -> TemporarilyDown:
        """Ours to mend, and not the customer's: the log says what the proxy said."""
        return TemporarilyDown(
            f"BlinkMetrics could not get through to {self.service}. Try again later.", code="no_way_out"
        )

    def cut_off(self) -> TemporarilyDown:
        return TemporarilyDown(f"The connection to {self.service} was cut off. Try again later.", code="cut_off")

    def too_slow(self, code: str) -> TooSlow:
        return TooSlow(f"{self.service} is taking too long to answer. Try again later.", code=code)

    def not_trusted(self, code: str) -> WrongAddress:
        return WrongAddress("The secure connection could not be verified, so we did not send your key.", code=code)

    def redirected(self) -> WrongAddress:
        return WrongAddress(
            f"{self.service} pointed us to another address. Copy the API URL again from Settings > Developer.",
            code="redirect",
        )

    def not_allowed(self) -> WrongAddress:
        return WrongAddress(f"That is not an address of {self.service}'s API.", code="not_allowed")

    def too_large(self) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"The answer of {self.service} was too large to read.", code="too_large")

    def unreadable(self, code: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(f"{self.service} sent an answer we couldn't read.", code=code)

    def empty(self) -> TemporarilyDown:
        return TemporarilyDown(f"{self.service} sent an empty answer. Try again later.", code="empty_answer")

    def web_page(self) -> TemporarilyDown:
        return TemporarilyDown(
            f"{self.service} showed a web page instead of data. It may be under maintenance.", code="web_page"
        )
