"""How long one call may take and how much it may bring."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Seconds and bytes of one call. `total` covers everything from the name's look-up to the last byte.

    Live accounts took 2.5 seconds for a page, and twelve for every answer on a bad day: slow is not broken.
    """

    connect: float = 5.0
    read: float = 45.0
    total: float = 120.0
    wire_bytes: int = 2_000_000
    decoded_bytes: int = 16_000_000  # One text of ten million characters among ordinary rows can still be read.


BULK = Limits()
CHECK = Limits(wire_bytes=16_000_000)  # A user's signature may hold pictures. Few are checked at the same moment.
ALONE = CHECK  # One row that was too large among others, such as a mail with its pictures. There are few.

HEAD_BYTES = 256_000  # h11 refuses one head over 100 kB; this also ends an endless row of "100 Continue".


@dataclass
class Call:
    """What is left for the call that runs now; its streams ask before each read."""

    ends_at: float
    limits: Limits = BULK
    received: int = 0
    connected: bool = False
    head_is_read: bool = field(default=False)

    def seconds_left(self, at_most: float | None = None) -> float:
        left = max(0.0, self.ends_at - time.monotonic())
        return left if at_most is None else min(at_most, left)

    @property
    def bytes_left(self) -> int:
        # Chunk framing and the head are no part of the body, whose own limit is exact.
        allowed = HEAD_BYTES + (self.limits.wire_bytes if self.head_is_read else 0)
        return allowed - self.received
