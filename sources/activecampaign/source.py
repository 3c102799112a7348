"""ActiveCampaign as a Source."""

from pathlib import Path

from sources.activecampaign.check import check
from sources.activecampaign.client import open_line
from sources.activecampaign.forms import ActiveCampaignCredentials
from sources.activecampaign.streams import STREAMS
from sources.spec import Source

source = Source(
    key="activecampaign",
    name="ActiveCampaign",
    tagline="Contacts, deals, campaigns and automations from your ActiveCampaign account.",
    credentials_form=ActiveCampaignCredentials,
    streams=STREAMS,
    check=check,
    open=open_line,
    folder=Path(__file__).parent,
)
