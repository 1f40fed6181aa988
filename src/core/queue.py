"""The task queue's storage: Redis where there is one, else the PostgreSQL we have, else a SQLite file of its own.

Only ids go through the queue, signed: whoever can write to its storage could otherwise run code in the worker. It keeps
no results either, and no errors: what became of a task stands in the database.
"""

from pathlib import Path
from typing import Any

from django.db import connections
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.serializer import SignedSerializer
from huey.storage import PostgresStorage
from psycopg.pq import Conninfo
from redis import ConnectionPool

# The longest a worker sleeps between looks at an idle queue, in seconds; with huey's own 10 a task waits for seconds.
MAX_DELAY = 0.25
# A storage that does not answer is given up after so many seconds; a worker's blocking read lasts one.
_CONNECT_SECONDS, _ANSWER_SECONDS = 3, 10

_LIBPQ_OPTIONS = {option.keyword.decode() for option in Conninfo.get_defaults()}


def build_queue(*, redis_url: str | None, postgres: dict[str, Any] | None, home: Path, key: str) -> Huey:
    """Return the queue for a deployment; `postgres` is Django's database entry when that is the engine."""
    options = {"serializer": SignedSerializer(secret=key, salt="polyclinic.queue"), "results": False}
    if redis_url:
        pool = ConnectionPool.from_url(
            redis_url, socket_connect_timeout=_CONNECT_SECONDS, socket_timeout=_ANSWER_SECONDS
        )
        return RedisHuey("polyclinic", connection_pool=pool, **options)
    if postgres:
        # Its tables are made with the migrations: else every command would need a database before it could start.
        return PostgresHuey("polyclinic", create_tables=False, **options, **_connection(postgres))
    return SqliteHuey("polyclinic", filename=str(home / "queue.sqlite3"), **options)


def create_queue_tables(*, queue: Huey, using: str) -> None:
    """Create the tables of a queue that lives in PostgreSQL, in the database `using`; repeating is safe."""
    if isinstance(queue.storage, PostgresStorage):
        with connections[using].cursor() as cursor:
            for statement in queue.storage.ddl:
                cursor.execute(statement)


def does_queue_answer(queue: Huey) -> bool:
    """Return whether the queue's storage can be read, after a few seconds at most."""
    try:
        queue.pending_count()
    except Exception:  # each storage has failures of its own
        return False
    return True


def _connection(postgres: dict[str, Any]) -> dict[str, Any]:
    """Return how Django reaches the database, TLS included, without the options that mean something to Django alone."""
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    connection: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS}
    connection |= {name: value for name, value in postgres.get("OPTIONS", {}).items() if name in _LIBPQ_OPTIONS}
    connection |= {name: postgres[setting] for name, setting in named.items() if postgres.get(setting)}
    return connection
