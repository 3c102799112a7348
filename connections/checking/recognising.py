"""Whose account credentials open: the one that a connection's rows came from, another, or nobody can tell."""

from dataclasses import dataclass

from connections.checking.checking import budget_for
from connections.checking.patience import Patience
from connections.models import Connection
from connections.models.account_name import own_name_of
from connections.models.field_rules import FieldRules
from connections.models.person_erasure import field_rules_of
from connections.safe.sealing import Unsealable
from sources.spec import Credentials, Proof, host_of

SAMPLED = 20  # Rows. Each that has to be asked for is a call that a person waits for.
SURE = 2  # Found of them: no other account has a row with the same id, e-mail and date.


@dataclass(frozen=True)
class Verdict:
    """`evidence` is for people, and empty where there was nothing to compare."""

    is_same: bool
    evidence: str = ""


SAME = Verdict(is_same=True)


def whose_account(connection: Connection, credentials: Credentials, proof: Proof, patience: Patience) -> Verdict:
    """Rows of two accounts must never stand together. Raises SourceError.

    Under its own name and with a key of the same person it is the same; else the rows have to be found. Nothing is
    asked of an account that could be mixed with nothing.
    """
    is_at_its_name = has_its_name(connection, credentials)
    if (is_at_its_name and is_same_person(connection, proof)) or not connection.row_counts.by_stream():
        return SAME
    source = connection.known_source()
    rows = connection.records.spread(source.identity.stream, SAMPLED) if source.identity else []
    if not rows or source.identity is None:
        # The name is evidence, too, and nothing speaks against it.
        return Verdict(is_same=is_at_its_name, evidence="None of your rows can tell whether it is the same account.")
    budget = budget_for(source, credentials, patience)
    stream = source.stream(source.identity.stream)
    rules = field_rules_of(connection, stream) if stream else FieldRules()
    told = source.identity.recognise(
        credentials, rows, as_stored=rules.applied, budget=budget, seconds=patience.seconds
    )
    what = f"{told.found} of {told.asked} of your {source.identity.stream} are there."
    return Verdict(is_same=told.found >= min(SURE, told.asked), evidence=what)


def is_same_person(connection: Connection, proof: Proof) -> bool:
    """By number, name and e-mail: every account has a first person, whose number is 1."""
    known = (connection.owner, connection.person, connection.person_email)
    return known == (proof.owner, proof.person, proof.person_email)


def has_its_name(connection: Connection, credentials: Credentials) -> bool:
    try:
        return own_name_of(host_of(connection.address())) == own_name_of(host_of(credentials.api_url))
    except Unsealable:
        return False
