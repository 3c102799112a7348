"""The numbers that ActiveCampaign's rows come to, by streams that are pulled unless somebody chooses otherwise.

Event rows, which are pulled when chosen, only add by which day.
"""

from sources.activecampaign.numbers_of_audience import CONTACTS, LISTS
from sources.activecampaign.numbers_of_mail import AUTOMATIONS, CAMPAIGNS, EVENTS
from sources.activecampaign.numbers_of_sales import DEALS

NUMBERS = (*CONTACTS, *CAMPAIGNS, *EVENTS, *LISTS, *AUTOMATIONS, *DEALS)
