"""What ActiveCampaign offers to pull, as facts. Each path is also the name of the list in its answers."""

from sources.spec import Stream

UPDATED_AFTER = "filters[updated_after]"  # Documented for contacts and deals alone.


def _stream(key: str, name: str, columns: tuple[str, ...], *, changed_since: str | None = None) -> Stream:
    return Stream(key=key, name=name, path=key, envelope=key, columns=columns, changed_since=changed_since)


STREAMS = (
    Stream(
        key="contacts",
        name="Contacts",
        path="contacts",
        envelope="contacts",
        paging="keyset",
        changed_since=UPDATED_AFTER,
        columns=("email", "firstName", "lastName", "phone", "udate"),
    ),
    _stream("lists", "Lists", ("name", "stringid", "active_subscribers", "cdate")),
    _stream("tags", "Tags", ("tag", "tagType", "description", "subscriber_count")),
    _stream("campaigns", "Campaigns", ("name", "type", "status", "send_amt", "sdate")),
    _stream("automations", "Automations", ("name", "status", "entered", "exited", "mdate")),
    _stream("deals", "Deals", ("title", "value", "currency", "status", "mdate"), changed_since=UPDATED_AFTER),
    _stream("dealGroups", "Pipelines", ("title", "currency", "udate")),
    _stream("dealStages", "Deal stages", ("title", "group", "order", "udate")),
    _stream("users", "Users", ("firstName", "lastName", "email", "username")),
    _stream("fields", "Custom fields", ("title", "type", "perstag", "isrequired")),
    _stream("accounts", "Accounts", ("name", "accountUrl", "owner", "contactCount")),
)
