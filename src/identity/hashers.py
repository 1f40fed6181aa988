"""Password hashing."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OwaspArgon2Hasher(Argon2PasswordHasher):
    """Argon2id with 19 MiB, 2 passes and 1 lane.

    Source: OWASP Password Storage Cheat Sheet, Argon2id. Django's own figures take five times the memory, which lets a
    few parallel sign-ins exhaust a small machine.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1
