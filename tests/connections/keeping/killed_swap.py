"""Replaces the data of a connection as a person does, and kills itself at the n-th statement: for a test."""

import os
import signal
import sys
from typing import Any

import django
from django.test.utils import setup_test_environment


def main(pk: str, origin: str, key: str, deadly: int) -> None:
    django.setup()
    setup_test_environment()
    from django.db import connection as database

    from connections.models import Connection
    from tests.conftest import client_of
    from tests.connections.keeping.editing_page import save

    connection = Connection.objects.get(pk=pk)
    assert connection.created_by
    client, count = client_of(connection.created_by), 0

    def die_at_last(execute: Any, *words: Any) -> Any:
        nonlocal count
        count += 1
        if count == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(*words)

    with database.execute_wrapper(die_at_last):
        save(client, connection, api_url=origin, api_key=key, account="replace")
    sys.stdout.write(str(count))


if __name__ == "__main__":
    main(*sys.argv[1:4], int(sys.argv[4]))
