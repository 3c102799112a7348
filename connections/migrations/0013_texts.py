"""Moves the rows into the table of texts: in pieces, so that nobody waits, and to be run again where it was stopped."""

from django.db import migrations, transaction

PIECE = 2000  # Rows; some hundredths of a second.
# From where the one before ended: what was deleted at the beginning would be passed over again each time.
LAST_OF_A_PIECE = """
    SELECT max(id) FROM (SELECT id FROM connections_formerrecord WHERE id > %s ORDER BY id LIMIT %s) AS piece
"""
COLUMNS = "stream, external_id, {text}, {hash}, first_seen_at, changed_at, deleted_at, missed_at"
COPY = f"""
    INSERT INTO connections_record (holding_id, {COLUMNS.format(text="text", hash="content_hash")})
    SELECT connection_id, {{columns}} FROM connections_formerrecord WHERE id > %s AND id <= %s
"""
FORGET = "DELETE FROM connections_formerrecord WHERE id > %s AND id <= %s"


def move_rows(apps, schema_editor):
    database = schema_editor.connection
    text = "data::text" if database.vendor == "postgresql" else "data"
    # Without a hash, so that the first sync puts each in its exact form and says of none that it has changed.
    copy = COPY.format(columns=COLUMNS.format(text=text, hash="''"))
    last = 0
    while last is not None:
        last = move_piece(database, copy, after=last)


def move_piece(database, copy, *, after) -> int | None:
    with transaction.atomic(using=database.alias), database.cursor() as cursor:
        cursor.execute(LAST_OF_A_PIECE, [after, PIECE])
        (last,) = cursor.fetchone()
        if last is not None:
            cursor.execute(copy, [after, last])
            cursor.execute(FORGET, [after, last])
        return last


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("connections", "0012_holdings")]

    operations = [migrations.RunPython(move_rows, migrations.RunPython.noop)]
