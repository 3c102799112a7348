"""The toy shop as a Source."""

from pathlib import Path

from sources.spec import Source
from tests.toy_sources.toy.client import check, open_line
from tests.toy_sources.toy.forms import ToyCredentials
from tests.toy_sources.toy.streams import STREAMS

source = Source(
    key="toy",
    name="Toy Shop",
    tagline="Toys and orders from a shop that stands on a table.",
    credentials_form=ToyCredentials,
    streams=STREAMS,
    calls_per_second=lambda: 50.0,
    check=check,
    open=open_line,
    folder=Path(__file__).parent,
)
