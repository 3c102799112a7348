"""What the toy shop offers to pull."""

from sources.spec import Stream

STREAMS = (
    Stream(key="toys", name="Toys", path="toys", envelope="toys", columns=("name", "colour", "price")),
    Stream(key="orders", name="Orders", path="orders", envelope="orders", columns=("toy", "buyer", "day")),
)
