"""Asks ActiveCampaign, while a person waits, whose key this is and whether it may read contacts."""

from sources.activecampaign.client import ActiveCampaign, connect, is_allowed
from sources.activecampaign.person import Person
from sources.activecampaign.rows import answer_of
from sources.errors import BadCredentials, NotPermitted, SourceError, WrongAddress
from sources.http.limits import CHECK
from sources.spec import Budget, Credentials, Lane, Proof, Row, host_of


def check(credentials: Credentials, *, budget: Budget, seconds: float) -> Proof:
    """Prove that the key works and may read contacts, in so many seconds for all calls together. Raises SourceError."""
    with connect(credentials, budget=budget, lane=Lane.INTERACTIVE, limits=CHECK, seconds=seconds) as http:
        line = ActiveCampaign(http, key=credentials.api_key)
        person = _person(line)
        contacts = _count_of_contacts(line, person)
        account = _account(line)
    return Proof(
        account=host_of(person.account if is_allowed(person.account) else credentials.api_url),
        person=person.name,
        person_email=person.email,
        owner=person.id,
        counts={} if contacts is None else {"contacts": contacts},
        facts=_facts(person, account),
    )


def _person(line: ActiveCampaign) -> Person:
    try:
        return line.me()
    except SourceError as error:
        if error.code not in ("web_page", "not_json", "not_an_object"):
            raise
        raise WrongAddress(
            "A web page answered instead of ActiveCampaign's API. Copy the API URL again from Settings > Developer; "
            "if it is right, ActiveCampaign may be under maintenance.",
            code=error.code,
        ) from None


def _count_of_contacts(line: ActiveCampaign, person: Person) -> int | None:
    try:
        return answer_of(line.get("contacts", {"limit": "1"}), envelope="contacts").total
    except BadCredentials:
        raise NotPermitted(
            f"The key works and belongs to {person.name}, but that person's permission group may not read contacts."
        ) from None


def _account(line: ActiveCampaign) -> Row:
    """Open to ActiveCampaign's admins alone, so a refusal says nothing about the key and only costs the facts."""
    try:
        return line.get("settings/account", confirm=False)
    except SourceError:
        return {}


def _facts(person: Person, account: Row) -> dict[str, str]:
    facts = {
        "ActiveCampaign user ID": person.id,
        "Contact limit": _number(account.get("subscriber_limit")),
        "Trial account": "yes" if account.get("trial") is True else "",
    }
    return {name: fact for name, fact in facts.items() if fact}


def _number(value: object) -> str:
    """Of few digits: what has many may be a piece of a key."""
    is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**11
    return f"{value:,}" if is_number else ""
