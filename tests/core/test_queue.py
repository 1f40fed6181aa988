"""Where the task queue lives, and that opening it asks nothing of the network."""

import pytest
from django.db import connection
from huey import PostgresHuey, RedisHuey, SqliteHuey

from core.queue import build_queue, create_queue_tables

NOWHERE = {"NAME": "nothing", "HOST": "127.0.0.1", "PORT": 1}


def test_prefers_redis_then_postgresql_then_a_file_of_its_own(tmp_path):
    with_redis = build_queue(redis_url="redis://127.0.0.1:1/0", postgres=NOWHERE, home=tmp_path, key="k")
    with_postgres = build_queue(redis_url=None, postgres=NOWHERE, home=tmp_path, key="k")
    with_neither = build_queue(redis_url=None, postgres=None, home=tmp_path, key="k")
    assert [type(queue) for queue in (with_redis, with_postgres, with_neither)] == [RedisHuey, PostgresHuey, SqliteHuey]
    assert (tmp_path / "queue.sqlite3").exists()


def test_the_queue_carries_only_what_is_signed_with_our_key(tmp_path):
    ours = build_queue(redis_url=None, postgres=None, home=tmp_path, key="ours")
    theirs = build_queue(redis_url=None, postgres=None, home=tmp_path, key="theirs")
    with pytest.raises(ValueError, match="ignature"):
        ours.serializer.deserialize(theirs.serializer.serialize({"id": 1}))


def test_a_queue_in_postgresql_is_reached_as_the_database_is(tmp_path):
    """TLS too; what means something to Django alone would be refused by the driver."""
    options = {"sslmode": "verify-full", "sslrootcert": "/ca.pem", "pool": {"max_size": 4}, "options": "-c a=b"}
    entry = {**NOWHERE, "USER": "clinic", "PASSWORD": "", "OPTIONS": options}
    storage = build_queue(redis_url=None, postgres=entry, home=tmp_path, key="k").storage

    assert storage.connection_params == {
        "dbname": "nothing",
        "user": "clinic",
        "host": "127.0.0.1",
        "port": 1,
        "sslmode": "verify-full",
        "sslrootcert": "/ca.pem",
        "options": "-c a=b",
        "connect_timeout": 3,
    }


def test_keeps_neither_results_nor_errors(tmp_path):
    queue = build_queue(redis_url=None, postgres=None, home=tmp_path, key="k")

    @queue.task()
    def fail(name):
        raise ValueError("Alma Secret has the flu")

    fail("0190")
    queue.execute(queue.dequeue())
    assert queue.storage.result_store_size() == 0
    assert queue.pending_count() == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="a SQLite queue makes its own tables")
def test_a_queue_in_postgresql_works_once_its_tables_are_made(tmp_path):
    queue = build_queue(redis_url=None, postgres=connection.settings_dict, home=tmp_path, key="k")
    for _ in range(2):
        create_queue_tables(queue=queue, using="default")
    queue.storage.enqueue(b"one")
    assert queue.storage.queue_size() == 1
    queue.storage.flush_queue()
    queue.storage.close()
