"""`manage.py erased_people`: writes down whom nobody may hold any more, and erases them again after a restore."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from connections.models import ErasureKey, ErasureMark, Holding, PersonErasure, Workspace
from connections.models.person_erasure import key_of
from connections.safe.sealing import Unsealable


class Command(BaseCommand):
    help = (
        "Write the keyed hashes of all who were erased to standard output, as JSON lines: no name and no address is in "
        "them. With --replay read such lines, and erase in this database whomever they name and it still holds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--replay", action="store_true", help="read the lines from standard input")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["replay"]:
            for workspace in Workspace.objects.filter(person_erasures__marks__isnull=False).distinct().order_by("pk"):
                self.stdout.write(json.dumps(written_down(workspace)))
            return
        try:
            begun = sum(replay(json.loads(line)) for line in sys.stdin if line.strip())
        except (KeyError, TypeError, ValueError):
            raise CommandError("This is not what manage.py erased_people has written.", returncode=2) from None
        except Unsealable:
            raise CommandError("The keys of these hashes were sealed under another of CREDENTIAL_KEYS.") from None
        self.stdout.write(f"{begun:,} workspaces with people who are erased again; the worker does it.")


def written_down(workspace: Workspace) -> dict[str, Any]:
    marks = ErasureMark.objects.filter(erasure__workspace=workspace).order_by("pk")
    return {
        "workspace": workspace.pk,
        "key": ErasureKey.objects.get(workspace=workspace).key,
        "marks": [[str(holding or ""), mark] for holding, mark in marks.values_list("holding", "mark")],
    }


@transaction.atomic
def replay(line: dict[str, Any]) -> bool:
    """Returns whether there was anybody whom this database does not know as erased. Raises Unsealable."""
    workspace = Workspace.objects.filter(pk=line["workspace"]).first()
    if workspace is None:
        return False
    known = {*ErasureMark.objects.filter(erasure__workspace=workspace).values_list("mark", flat=True)}
    holdings = {str(pk) for pk in Holding.objects.values_list("pk", flat=True)}
    new = [(holding or None, mark) for holding, mark in line["marks"] if not holding or holding in holdings]
    new = [(holding, mark) for holding, mark in new if mark not in known]
    if not new:
        return False
    ErasureKey.objects.update_or_create(workspace=workspace, defaults={"key": line["key"]})
    key_of(workspace.pk)
    erasure = PersonErasure.objects.create(workspace=workspace)
    ErasureMark.objects.keep(erasure.pk, new)
    erasure.walk_by_marks()
    erasure.save()
    return True
