"""The console command `polyclinic`; `python manage.py` is the same."""

import os
import secrets
import sys


def main(argv: list[str] | None = None) -> None:
    """Run a command; `import-csv` and `import_csv` are the same one. `make-key` prints a random SECRET_KEY."""
    argv = list(sys.argv if argv is None else argv)
    if len(argv) > 1 and not argv[1].startswith("-"):
        argv[1] = argv[1].replace("-", "_")
    if argv[1:2] == ["make_key"]:
        # Needs no settings: production refuses to start without the very key that this prints.
        print(secrets.token_urlsafe(64))
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    if argv[1:2] == ["test"]:
        # Tests never read the deployment's environment (see tests/settings.py).
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    from django.core.management import execute_from_command_line

    execute_from_command_line(argv)
