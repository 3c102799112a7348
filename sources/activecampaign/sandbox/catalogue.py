"""Every kind of record that the sandbox has, by its path."""

from sources.activecampaign.sandbox import fields, marketing, people, sales
from sources.activecampaign.sandbox.resource import by_path

RESOURCES = by_path(
    (
        people.CONTACTS,
        people.ACCOUNTS,
        people.USERS,
        fields.FIELDS,
        fields.FIELD_OPTIONS,
        fields.FIELD_RELATIONS,
        marketing.LISTS,
        marketing.TAGS,
        marketing.CAMPAIGNS,
        marketing.AUTOMATIONS,
        sales.DEALS,
        sales.PIPELINES,
        sales.STAGES_OF_DEALS,
    )
)
