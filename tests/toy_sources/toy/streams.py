"""What the toy shop offers to pull."""

from sources.facts import Facts, day, reference, text
from sources.spec import Stream

TOYS = Facts(
    row="toy",
    good_for="What stands on the shelves, and what it costs.",
    fields=(text("colour", "Colour"), text("price", "Price"), text("name", "Name")),
    shown=2,
    version=1,
    label=("name",),
)
ORDERS = Facts(
    row="order",
    good_for="Who bought what, and when.",
    fields=(reference("toy", "Toy", "toys", fills="parent"), text("buyer", "Buyer"), day("day", "Day")),
    shown=3,
    version=1,
)
STREAMS = (
    Stream(key="toys", name="Toys", path="toys", envelope="toys", facts=TOYS),
    Stream(key="orders", name="Orders", path="orders", envelope="orders", facts=ORDERS),
)
