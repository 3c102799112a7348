"""`manage.py numbers`: prints the numbers of a connection as JSON, each with how it is computed."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone

from connections.checking.patience import of_a_worker
from connections.figures.figure import Figure, Period, Said
from connections.figures.figures import available, figures
from connections.figures.proving import prove
from connections.management.finding import connection_of
from connections.models import Connection
from connections.safe.sealing import Unsealable
from sources.errors import SourceError

USUAL = timedelta(days=29)  # Thirty days with today.


def day(text: str) -> date:
    return date.fromisoformat(text)


class Command(BaseCommand):
    help = "Print the numbers of a connection as JSON, with how each is computed. Money is in the smallest parts."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", help="the connection's id, as in its address")
        parser.add_argument("--number", action="append", metavar="KEY", help="only this number; may be repeated")
        parser.add_argument("--start", type=day, help="the first day, 2026-05-01; thirty days ago unless said")
        parser.add_argument("--end", type=day, help="the last day; today unless said")
        parser.add_argument("--step", choices=["day", "week", "month"], default="day")
        parser.add_argument("--by", default="", help="campaign, list, automation, pipeline, stage or owner")
        parser.add_argument("--group", default="", help="only the one of these that has this id")
        parser.add_argument("--check", action="store_true", help="ask the account for its own figures first")

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connection_of(options["id"])
        refuse_unknown(connection, options["number"] or [])
        if options["check"]:
            self.ask(connection, options)
        today = timezone.now().astimezone(connection.workspace.zone).date()
        end = options["end"] or today
        period = Period(start=options["start"] or end - USUAL, end=end, step=options["step"])
        if period.days < 1:
            raise CommandError("The first day lies behind the last.", returncode=2)
        found = figures(connection, period, keys=options["number"], by=options["by"], group=options["group"])
        said = {
            "connection": str(connection.pk),
            "start": period.start,
            "end": period.end,
            "days_end_at_midnight_in": connection.workspace.timezone,
            "numbers": [as_json(one) for one in found],
        }
        self.stdout.write(json.dumps(said, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))

    def ask(self, connection: Connection, options: Mapping[str, Any]) -> None:
        try:
            prove(
                connection,
                patience=of_a_worker(lambda: None),
                keys=options["number"],
                by=options["by"],
                group=options["group"],
            )
        except (SourceError, Unsealable) as failure:
            self.stderr.write(f"The account could not be asked: {failure}")


def refuse_unknown(connection: Connection, keys: list[str]) -> None:
    offered = [one.key for one in available(connection)]
    unknown = [key for key in keys if key not in offered]
    if unknown:
        raise CommandError(f"No such number: {', '.join(unknown)}. There are: {', '.join(offered)}.", returncode=2)


def as_json(figure: Figure) -> dict[str, Any]:
    """Days without a value could not be read."""
    one = figure.definition
    return {
        "number": one.key,
        "name": f"{one.topic}: {one.name}",
        "definition": one.sentence,
        "kind": figure.kind_words,
        "unit": one.unit,
        **({"currency": figure.currency, "digits_after_the_point": figure.scale} if figure.currency else {}),
        "value": figure.value,
        **({} if figure.count is None else {"of_how_many": figure.count}),
        "period_before": figure.previous,
        "in_all": figure.in_all,
        "of_no_day": figure.undated_words,
        "unknown": figure.unknown_words,
        "the_account_says": said(figure.said),
        "as_of": figure.as_of,
        "fault": figure.fault,
        "days": [asdict(point) for point in figure.series],
        "parts": [asdict(part) | {"said": said(part.said)} for part in figure.parts],
    }


def said(one: Said | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "value": one.value,
        "ours": one.ours,
        "checked_at": one.checked_at,
        "difference": one.difference,
        "why": one.difference_words,
    }
