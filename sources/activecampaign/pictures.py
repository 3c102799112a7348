"""Which of ActiveCampaign's numbers are drawn: what comes beside what goes, and what became of the mails."""

from sources.pictures import Pictures

PICTURES = Pictures(
    lines=(
        ("contacts_new", "contacts_unsubscribed"),
        ("list_joined", "list_unsubscribed"),
        ("verified_open_rate", "click_rate"),
        ("deals_won", "deals_lost"),
    ),
    funnels=(("mails_sent", "mails_opened", "mails_opened_verified", "mails_clicked"),),
    large=(
        *("contacts_total", "contacts_new", "contacts_unsubscribed", "contacts_bounced"),
        *("mails_sent", "verified_open_rate", "click_rate", "unsubscribe_rate"),
        *("list_active", "list_joined", "list_unsubscribed", "list_growth"),
        *("automation_in", "automation_completed"),
        *("deals_open", "deals_won", "deals_won_value", "win_rate"),
    ),
    leading=("contacts_total", "contacts_new", "verified_open_rate", "click_rate", "deals_open", "deals_won_value"),
    marks=("campaigns",),
)
