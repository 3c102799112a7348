"""What the streams are good for that one connector alone has ever asked for. What their rows mean nobody has said."""

from sources.activecampaign.rows_of import rows_of

GUESSES = {
    key: rows_of(row, good_for, version=3)
    for key, row, good_for in (
        ("automationBlocks", "automation step", "What each automation does, step by step."),
        ("campaignLists", "campaign list", "Which lists a campaign went to."),
        ("campaignMessages", "campaign message", "Which messages a campaign sent."),
        ("configs", "setting", "How the account is set."),
        ("contactData", "contact's visits", "From where contacts come to your website."),
        ("contactEmails", "one-to-one e-mail", "Mails that your people wrote to single contacts."),
        ("contactConversions", "contact conversion", "Who reached which conversion goal."),
        ("conversions", "conversion goal", "What you want people to do in the end."),
        ("conversionTriggers", "conversion trigger", "What counts as reaching a conversion goal."),
        ("dealGroupUsers", "pipeline user", "Who works in which pipeline."),
        ("ecomOrderActivities", "shop order activity", "What happened to each shop order."),
        ("goals", "automation goal", "What automations aim at."),
        ("siteMessages", "site message", "What your website says to visitors."),
    )
}
