"""The bare script of `bench.federation`: fetch, parse, executemany; one transaction a hospital, the whole in memory.

It writes the same rows into the same table. No job, no fence, no page, no check of the address or of what comes, no
problem, no tombstone, no history: nothing but what a copy cannot do without.
"""

import json
import os
import resource
import sqlite3
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import UUID, uuid4, uuid5

import psycopg

COLUMNS = (
    "id",
    "hospital_id",
    "patient_id",
    "person",
    "origin",
    "name",
    "age_stated",
    "is_deceased",
    "gender",
    "diagnosis",
    "is_restricted",
    "is_vouched",
    "search_key",
    "generation",
    "created_at",
    "updated_at",
)
SAID = ("name", "age_stated", "diagnosis", "search_key", "generation", "updated_at")


class Database:
    """SQLite's file or PostgreSQL, with the few differences between their drivers."""

    def __init__(self) -> None:
        self.is_postgres = bool(url := os.environ["DATABASE_URL"])
        self.connection: Any = (
            psycopg.connect(url)
            if self.is_postgres
            else sqlite3.connect(Path(os.environ["POLYCLINIC_HOME"], "polyclinic.sqlite3"))
        )
        marks = ", ".join(["%s" if self.is_postgres else "?"] * len(COLUMNS))
        changes = ", ".join(f"{name} = excluded.{name}" for name in SAID)
        self.upsert = (
            f"INSERT INTO federation_patientrecord ({', '.join(COLUMNS)}) VALUES ({marks})"
            f" ON CONFLICT (hospital_id, patient_id, origin) DO UPDATE SET {changes}"
        )

    def id_of(self, value: UUID) -> UUID | str:
        """Return an id as the database keeps it."""
        return value if self.is_postgres else value.hex

    def register(self) -> UUID:
        """Add a hospital and return its id."""
        hospital, now = uuid4(), datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        mark = "%s" if self.is_postgres else "?"
        self.connection.execute(
            "INSERT INTO federation_hospital (id, name, location, api_endpoint, format, sealed_token, token_origin,"
            f" created_at, updated_at) VALUES ({mark}, 'Elsewhere', '', '', 'json', '', '', {mark}, {mark})",
            (self.id_of(hospital), now, now),
        )
        self.connection.commit()
        return hospital

    def copy(self, hospital: UUID, address: str, generation: int) -> None:
        """Copy one hospital."""
        with urlopen(address) as answer:
            document = json.loads(answer.read())
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(" ")
        rows = [
            (
                self.id_of(uuid4()),
                self.id_of(hospital),
                record["patient_id"],
                self.id_of(uuid5(hospital, record["patient_id"])),
                "sync",
                record["name"],
                record["age"],
                False,
                "U",
                record["condition"],
                False,
                True,
                f"{record['name']} {record['patient_id']}\n{record['condition']}".lower(),
                generation,
                now,
                now,
            )
            for record in document["records"]
        ]
        self.connection.cursor().executemany(self.upsert, rows)
        self.connection.commit()


def peak() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Do all passes and print what they took, as JSON."""
    url, count, records = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    database = Database()
    hospitals = [database.register() for _ in range(count)]
    before, seconds = peak(), []
    for generation, round_ in enumerate((0, 0, 1), start=1):
        began = time.perf_counter()
        for number, hospital in enumerate(hospitals):
            database.copy(hospital, f"{url}/{records}/{round_}/{number}", generation)
        seconds.append(time.perf_counter() - began)
    print(json.dumps({"seconds": seconds, "before": before, "peak": peak()}))


if __name__ == "__main__":
    main()
