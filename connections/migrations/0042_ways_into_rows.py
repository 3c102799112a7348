"""Indexes by which rows are looked for, narrowed and put in order; of trigrams too, where the database may have them."""

import logging

from django.db import DatabaseError, migrations, models, transaction
from django.db.models.functions import Length

log = logging.getLogger(__name__)


def index(name, *columns, of=""):
    condition = models.Q((f"{of}__isnull", False)) if of else None
    fields = ["holding", "stream", *columns, "external_id"]
    return models.Index(fields=fields, name=f"record_by_{name}", condition=condition)


INDEXES = [
    index("name", "search", of="search"),
    index("moment", "happened_at"),
    index("amount", "amount", of="amount"),
    *(index(name, name, "happened_at", of=name) for name in ("choice", "parent", "related", "owner")),
]
BY_WORDS = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS record_by_words ON connections_record USING gin (search gin_trgm_ops)
    WHERE search IS NOT NULL
"""
# Where words are found by their beginnings alone: in the order of letters, whatever the database's own is.
BY_BEGINNINGS = """
    CREATE INDEX CONCURRENTLY IF NOT EXISTS record_by_beginnings
    ON connections_record (holding_id, stream, search varchar_pattern_ops) WHERE search IS NOT NULL
"""


LONGEST = 500  # Letters that an index takes. What is longer is from before, and is filled anew by a worker.


def add(apps, schema_editor):
    model = apps.get_model("connections", "record")
    too_long = model.objects.alias(letters=Length("search")).filter(letters__gt=LONGEST)
    too_long.update(search=None)
    if schema_editor.connection.vendor != "postgresql":
        for one in INDEXES:
            schema_editor.add_index(model, one)
        return
    for one in INDEXES:
        # Nobody waits while millions of rows are read for it.
        schema_editor.add_index(model, one, concurrently=True)
    schema_editor.execute(BY_WORDS if has_trigrams(schema_editor.connection) else BY_BEGINNINGS)


def has_trigrams(database):
    try:
        with transaction.atomic(using=database.alias), database.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        log.warning("pg_trgm may not be had: words are found by their beginnings alone")
        return False
    return True


def remove(apps, schema_editor):
    model = apps.get_model("connections", "record")
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS record_by_words")
        schema_editor.execute("DROP INDEX IF EXISTS record_by_beginnings")
    for one in INDEXES:
        schema_editor.remove_index(model, one)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("connections", "0038_rhythms")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add, remove)],
            state_operations=[migrations.AddIndex("record", one) for one in INDEXES],
        )
    ]
