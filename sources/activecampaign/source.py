"""ActiveCampaign as a Source."""

from pathlib import Path

from django.conf import settings

from sources.activecampaign.assumptions import assumptions
from sources.activecampaign.check import check
from sources.activecampaign.client import AT_ONCE, open_line
from sources.activecampaign.counting import count
from sources.activecampaign.forms import ActiveCampaignCredentials
from sources.activecampaign.numbers import NUMBERS
from sources.activecampaign.pictures import PICTURES
from sources.activecampaign.recognising import recognise
from sources.activecampaign.sample import sample_credentials
from sources.activecampaign.streams import STREAMS
from sources.activecampaign.telling import tell
from sources.spec import Identity, Source


def calls_per_second() -> float:
    """ActiveCampaign allows five, to everybody who calls the account together."""
    rate: float = settings.ACTIVECAMPAIGN_RATE
    return rate


source = Source(
    key="activecampaign",
    name="ActiveCampaign",
    tagline="Contacts, deals, campaigns and automations from your ActiveCampaign account.",
    credentials_form=ActiveCampaignCredentials,
    streams=STREAMS,
    calls_per_second=calls_per_second,
    check=check,
    open=open_line,
    folder=Path(__file__).parent,
    assumptions=assumptions,
    count=count,
    calls_at_once=AT_ONCE,
    numbers=NUMBERS,
    tell=tell,
    identity=Identity(stream="contacts", recognise=recognise),
    sample=sample_credentials,
    pictures=PICTURES,
)
