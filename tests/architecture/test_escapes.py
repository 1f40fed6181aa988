"""The ways around the import contracts are closed: nothing in src reaches a module or table by its name in a string."""

import ast
from pathlib import Path

import pytest

from tests.architecture.source import SRC, dotted, parse, python_files

# A call of one of these names finds a module, a class or a table by a string, which no import contract can see.
ESCAPES = {
    "get_model",
    "get_models",
    "get_registered_model",
    "get_app_config",
    "model_class",
    "import_module",
    "import_string",
    "import_from_string",
    "__import__",
    "find_spec",
    "pydoc.locate",
    "pkgutil.resolve_name",
}
# Reverse relations and the registry behind a model lead from a lower floor to a higher one.
ESCAPING_ATTRIBUTES = {"_meta.apps", "_meta.related_objects", "_meta.get_fields", "sys.modules"}
# These are django.contrib.auth's own way to identity's table, and right only where Django's machinery needs the class.
ACCOUNT_TABLE = {"get_user_model"}
MAY_ASK_FOR_THE_ACCOUNT_TABLE = {
    "config/admin.py": "the top floor arranges Django's technical window over the account table that settings name",
}


def escapes_in(path: Path, *, source: Path = SRC) -> list[str]:
    """Every escape in a file as `file:line name`."""
    found = []
    relative = path.relative_to(source).as_posix()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Call):
            name = dotted(node.func)
            last = name.rpartition(".")[2]
            escapes = last in ESCAPES or name in ESCAPES
            if last in ACCOUNT_TABLE and relative not in MAY_ASK_FOR_THE_ACCOUNT_TABLE:
                escapes = True
        elif isinstance(node, ast.Attribute):
            name = ".".join(dotted(node).split(".")[-2:])
            escapes = name in ESCAPING_ATTRIBUTES
        elif isinstance(node, ast.ImportFrom | ast.Import):
            # An alias would hide the call, so bringing the name in counts already.
            modules = [getattr(node, "module", None) or ""] + [alias.name for alias in node.names]
            hidden = [alias.name for alias in node.names if alias.asname and alias.name in ESCAPES | ACCOUNT_TABLE]
            name = ", ".join(hidden) or "importlib"
            escapes = bool(hidden) or any(module.split(".")[0] == "importlib" for module in modules)
        else:
            continue
        if escapes:
            found.append(f"{relative}:{node.lineno} {name}")
    return found


def source_files() -> list[Path]:
    """All of src but migrations, which get the historical models of their own app from the registry by design."""
    return [path for path in python_files(SRC) if "migrations" not in path.parts]


def test_nothing_reaches_a_module_or_table_by_its_name_in_a_string():
    assert [escape for path in source_files() for escape in escapes_in(path)] == []


def test_every_exception_still_needs_it():
    for relative in MAY_ASK_FOR_THE_ACCOUNT_TABLE:
        assert "get_user_model" in (SRC / relative).read_text(), relative


@pytest.mark.parametrize(
    "line",
    [
        "apps.get_model('care', 'Patient')",
        "django.apps.apps.get_model('care.Patient')",
        "get_model('care.Patient')",
        "registry().get_model('care.Patient')",
        "list(apps.get_models())",
        "apps.get_app_config('care').models",
        "content_type.model_class()",
        "Thing._meta.apps.all_models",
        "thing._meta.related_objects",
        "import_string('care.models.Patient')",
        "import_module('care.models')",
        "importlib.import_module('care.models')",
        "import importlib",
        "from importlib import import_module as load",
        "__import__('care.models')",
        "sys.modules['care.models']",
        "get_user_model().objects.all()",
        "from django.contrib.auth import get_user_model as accounts",
        "def late():\n    return apps.get_model('care.Patient')",
    ],
)
def test_notices_a_planted_escape(line, tmp_path):
    planted = tmp_path / "planted.py"
    planted.write_text(f'"""Harmless."""\n{line}\n')

    assert escapes_in(planted, source=tmp_path)


@pytest.mark.parametrize(
    "line", ["from django.apps import AppConfig", "thing._meta.model_name", "model = get_patient()"]
)
def test_leaves_harmless_lines_alone(line, tmp_path):
    harmless = tmp_path / "harmless.py"
    harmless.write_text(f"{line}\n")

    assert escapes_in(harmless, source=tmp_path) == []


def test_lets_the_named_file_alone_ask_for_the_account_table(tmp_path):
    (tmp_path / "config").mkdir()
    for name in ("admin.py", "urls.py"):
        (tmp_path / "config" / name).write_text("get_user_model()\n")

    assert escapes_in(tmp_path / "config/admin.py", source=tmp_path) == []
    assert escapes_in(tmp_path / "config/urls.py", source=tmp_path) == ["config/urls.py:1 get_user_model"]
