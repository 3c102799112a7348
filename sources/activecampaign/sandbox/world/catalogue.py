"""Every kind of record that the sandbox has, by its path."""

from sources.activecampaign.sandbox.world import (
    audience,
    campaigns,
    content,
    fields,
    furnishing,
    mail,
    membership,
    people,
    sales,
    selling,
    shops,
    traces,
    values,
)
from sources.activecampaign.sandbox.world.resource import by_path

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
        membership.CONTACT_TAGS,
        membership.CONTACT_LISTS,
        membership.CONTACT_AUTOMATIONS,
        membership.FIELD_VALUES,
        content.MESSAGES,
        content.FORMS,
        content.SEGMENTS,
        content.SCORES,
        content.SCORE_VALUES,
        content.NOTES,
        sales.DEALS,
        sales.PIPELINES,
        sales.STAGES_OF_DEALS,
        *selling.ALL,
        *values.ALL,
        *mail.ALL,
        *traces.ALL,
        *shops.ALL,
        *furnishing.ALL,
    )
)
