"""What the rows of each of ActiveCampaign's streams mean.

Words are those of ActiveCampaign's own pages. Amounts are in hundredths, as far as the API is documented, in every
currency: of those without cents no live account has been seen. Of moments the one with its zone is taken; those without
one are of the same clock as those beside them, which is that of the US Central zone in every account that was seen.
"""

from collections.abc import Mapping
from dataclasses import replace

from sources.activecampaign.facts_of_audience import AUDIENCE
from sources.activecampaign.facts_of_guesses import GUESSES
from sources.activecampaign.facts_of_mail import MAIL
from sources.activecampaign.facts_of_sales import SALES
from sources.activecampaign.facts_of_setup import SETUP
from sources.activecampaign.labels import labels_of
from sources.facts import Facts

FACTS: Mapping[str, Facts] = {
    key: replace(facts, others=labels_of(key))
    for key, facts in {**AUDIENCE, **MAIL, **SALES, **SETUP, **GUESSES}.items()
}
