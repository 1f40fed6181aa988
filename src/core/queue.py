"""The task queue's storage: Redis where there is one, else the PostgreSQL we have, else a SQLite file of its own.

Only ids go through the queue, signed: whoever can write to its storage could otherwise run code in the worker.
"""

from pathlib import Path
from typing import Any

from django.db import connections
from huey import Huey, PostgresHuey, RedisHuey, SqliteHuey
from huey.serializer import SignedSerializer
from huey.storage import PostgresStorage

# The longest a worker sleeps between looks at an idle queue, in seconds; with huey's own 10 a task waits for seconds.
MAX_DELAY = 0.5


def build_queue(*, redis_url: str | None, postgres: dict[str, Any] | None, home: Path, key: str) -> Huey:
    """Return the queue for a deployment; `postgres` is Django's database entry when that is the engine."""
    serializer = SignedSerializer(secret=key, salt="polyclinic.queue")
    if redis_url:
        return RedisHuey("polyclinic", url=redis_url, serializer=serializer)
    if postgres:
        connection = {
            "dbname": postgres["NAME"],
            "user": postgres.get("USER") or None,
            "password": postgres.get("PASSWORD") or None,
            "host": postgres.get("HOST") or None,
            "port": postgres.get("PORT") or None,
        }
        # Its tables are made with the migrations: else every command would need a database before it could start.
        return PostgresHuey(
            "polyclinic",
            serializer=serializer,
            create_tables=False,
            **{name: value for name, value in connection.items() if value},
        )
    return SqliteHuey("polyclinic", filename=str(home / "queue.sqlite3"), serializer=serializer)


def create_queue_tables(*, queue: Huey, using: str) -> None:
    """Create the tables of a queue that lives in PostgreSQL, in the database `using`; repeating is safe."""
    if isinstance(queue.storage, PostgresStorage):
        with connections[using].cursor() as cursor:
            for statement in queue.storage.ddl:
                cursor.execute(statement)
