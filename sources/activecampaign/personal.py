"""What each of ActiveCampaign's streams holds of people, and what of it goes with a person who is erased."""

from collections.abc import Mapping
from typing import Any

from sources.spec import Personal, Reference

NOBODY = Personal()


def _of(holds: str, *, by: str = "", left_out: str = "", **facts: Any) -> Personal:
    """`by` names the fields that hold the id of a contact, by a blank between; so does `left_out` those left out."""
    references = tuple(Reference(field, "contacts") for field in by.split())
    belongs_to = (*references, *facts.pop("belongs_to", ()))
    return Personal(holds=holds, belongs_to=belongs_to, left_out=tuple(left_out.split()), **facts)


# In some streams the API writes the same id under two names, of which one alone may be there.
PERSONAL: Mapping[str, Personal] = {
    # Audience
    "contacts": _of(
        "Name, e-mail address, telephone, organisation, scores and IP address of each contact",
        address=("email",),
        is_person=True,
        left_out="ip ua hash",  # With the hash, whoever has it opens pages of theirs.
    ),
    "contactTags": _of("Which tags a contact has: often interests, sometimes more", by="contact"),
    "contactLists": _of(
        "Which lists a contact is on or has left, why, and from which IP address; at times their name",
        by="contact",
        left_out="ip4Sub ip4Unsub ip4_last",
    ),
    "fieldValues": _of("Whatever the account asks its contacts for: birthdays, addresses, answers", by="contact"),
    "notes": _of(
        "What staff have written about a contact or a deal",
        belongs_to=(Reference("relid", "contacts", only_if=("reltype", "Subscriber")),),
    ),
    "accountContacts": _of("At which company a contact works, and as what", by="contact"),
    "lists": _of("The sender's name and postal address of a list"),
    # Mail
    "campaigns": _of("Who of the account's own people made and sends a campaign", left_out="ip ip4"),
    "messages": _of("Name and address of the sender, and the text of the mail"),
    "forms": _of("Addresses that answers are sent to"),
    "templates": _of("The text of a mail, which may name people"),
    "savedResponses": _of("The text of an answer, which may name people"),
    "links": NOBODY,
    "bounceLogs": _of(
        "The address to which a mail could not be brought, and why", by="contact subscriberid", address=("email",)
    ),
    "emailActivities": _of(
        "Mails from and to a contact: both addresses, subject and text",
        by="subscriberid",
        address=("toAddress",),
        left_out="message",
    ),
    "campaignLinks": NOBODY,
    "smsBroadcasts": _of("The text of a message, which may name people"),
    "logs": _of("Which contact was sent which mail, and when", by="subscriberid contact"),
    "linkData": _of(
        "Which contact opened which mail and clicked which link, how often, and when",
        by="subscriberid contact",
        left_out="ip4 ua",
    ),
    "mppLinkData": _of("Whose mail was opened by a machine, and when", by="subscriberid contact", left_out="ip4 ua"),
    "trackingLogs": _of("Which pages of a website a contact was on, and when", by="subscriberid contact"),
    # Automation
    "automations": _of("Addresses that an automation writes to"),
    "contactAutomations": _of("Which automations a contact is in, and how far", by="contact"),
    "activities": _of("What a contact did, and when", by="subscriberid contact"),
    # Sales
    "deals": _of(
        "Whose deal it is, its title and description, which often name people",
        by="contact",
        is_kept=True,
        blanked=("title", "description"),
    ),
    "dealGroups": NOBODY,
    "dealStages": NOBODY,
    "accounts": _of("A company's name and address; of somebody who works alone, a person's"),
    "dealActivities": _of("What was done with a deal, and by which of the account's own people"),
    "dealTasks": _of(
        "What is to be done about a contact or a deal, in words",
        belongs_to=(Reference("relid", "contacts", only_if=("reltype", "Subscriber")),),
    ),
    "dealTasktypes": NOBODY,
    "taskOutcomes": NOBODY,
    "dealRoles": NOBODY,
    "contactDeals": _of("Which contacts have a part in a deal, and which", by="contact"),
    "dealCustomFieldMeta": NOBODY,
    "dealCustomFieldData": _of("Whatever the account notes of its deals, which may name people"),
    "accountCustomFieldMeta": NOBODY,
    "accountCustomFieldData": _of("Whatever the account notes of companies, which may name people"),
    # Shops
    "connections": NOBODY,
    "ecomCustomers": _of(
        "E-mail address of a shop's customer, how often and for how much they bought",
        address=("email",),
        is_person=True,
    ),
    "ecomOrders": _of(
        "E-mail address of who ordered, what for, and for how much",
        address=("email",),
        belongs_to=(Reference("customer", "ecomCustomers"), Reference("customerid", "ecomCustomers")),
    ),
    "ecomOrderProducts": NOBODY,
    # Setup
    "users": _of(
        "Name, e-mail address and telephone of the account's own people", address=("email", "username"), is_person=True
    ),
    "groups": NOBODY,
    "addresses": _of("Postal addresses that mails are sent under; of somebody who works alone, their home"),
    "brandings": NOBODY,
    "calendars": _of("Which of the account's own people has a calendar"),
    "webhooks": NOBODY,
    "fields": NOBODY,
    "tags": NOBODY,
    "segments": _of("What is asked for in a segment, which may be an address"),
    "audiences": NOBODY,
    "scores": NOBODY,
    "scoreValues": _of("How a contact is rated", by="contact"),
    "customObjectRecords": _of("Whatever the account keeps in records of its own, which may name people"),
    "customObjectSchemas": NOBODY,
    # Guesses
    "automationBlocks": _of("What a step does, which may name an address"),
    "campaignLists": NOBODY,
    "campaignMessages": NOBODY,
    "configs": _of("Settings of the account, which may name addresses"),
    "contactData": _of(
        "Where a contact was when they visited, by IP address, and with which browser",
        by="contact",
        left_out="geoIp4 ua",
    ),
    "contactEmails": _of("Mails that were written to a contact: subject and text", by="contact", left_out="message"),
    "contactConversions": _of("What a contact bought or did, and for how much", by="contact"),
    "conversions": NOBODY,
    "conversionTriggers": NOBODY,
    "dealGroupUsers": _of("Which of the account's own people work with a pipeline"),
    "ecomOrderActivities": NOBODY,
    "goals": NOBODY,
    "siteMessages": NOBODY,
}
