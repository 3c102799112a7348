"""Every kind of record that the sandbox has, by its path."""

from sources.activecampaign.sandbox import audience, campaigns, fields, people, sales
from sources.activecampaign.sandbox.resource import by_path

RESOURCES = by_path(
    (
        people.CONTACTS,
        people.ACCOUNTS,
        people.USERS,
        fields.FIELDS,
        fields.FIELD_OPTIONS,
        fields.FIELD_RELATIONS,
        audience.LISTS,
        audience.TAGS,
        campaigns.CAMPAIGNS,
        audience.AUTOMATIONS,
        sales.DEALS,
        sales.PIPELINES,
        sales.STAGES_OF_DEALS,
    )
)
