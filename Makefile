# `make run` needs Python 3.11 or newer with its venv module; everything else is installed into .venv.
#
#   make run PORT=9000            another port
#   make test ARGS="-k booking"   some of the tests
#   make run PYTHON=/opt/python   a Python of your choice

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run test test-postgres test-browser test-realdata test-slow prove prove-tenth coverage check lock clean

HOST := 127.0.0.1
PORT := 8000
ARGS :=
PYTHON :=
PYTHONS := $(PYTHON) python3.13 python3.12 python3.11 python3

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST := $(BIN)/python -m pytest
TEST_DATABASE_URL ?= postgresql://postgres@127.0.0.1:5432/postgres

help:
	@echo 'make run            everything on http://$(HOST):$(PORT), with a demo clinic; Ctrl-C stops it'
	@echo 'make test           the whole suite on the embedded database; no service needed'
	@echo 'make check          format, lint, types, import contracts, migrations, deployment settings'
	@echo 'make coverage       the suite again, measured: branches included, at least 90 %'
	@echo 'make test-postgres  the suite on PostgreSQL (TEST_DATABASE_URL)'
	@echo 'make test-browser   the portal in a real Chromium (needs chromium and npm)'
	@echo 'make test-realdata  the suite over the synthetic hospitals beside this project'
	@echo 'make test-slow      what takes minutes;  make prove  the long proofs at full size'
	@echo 'make lock           lock the dependencies anew (needs uv);  make clean  remove .venv'

# --- The environment ------------------------------------------------------------------------------------------------
# A name on the path may be a shim that cannot run, so each candidate is run before it is chosen.
$(BIN)/python:
	@too_old=; no_venv=; chosen=; \
	for candidate in $(PYTHONS); do \
	    version=$$("$$candidate" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
	    if ! "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then too_old=$$version; continue; fi; \
	    if ! "$$candidate" -c 'import ensurepip, venv' 2>/dev/null; then no_venv=$$version; continue; fi; \
	    chosen=$$candidate; break; \
	done; \
	if [ -n "$$chosen" ]; then \
	    echo "Making .venv with $$chosen ..."; exec "$$chosen" -m venv --clear $(VENV); \
	elif [ -n "$$no_venv" ]; then \
	    echo "Python $$no_venv has no venv module here. On Debian and Ubuntu: apt install python3-venv" >&2; \
	elif [ -n "$$too_old" ]; then \
	    echo "Polyclinic needs Python 3.11 or newer; the newest found here is $$too_old." >&2; \
	else \
	    echo "Polyclinic needs Python 3.11 or newer; none was found here." >&2; \
	fi; exit 1

# Stamps carry the date of the last complete installation; an interrupted one is taken up again.
$(VENV)/.stamp: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what requirements.txt locks ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.stamp-dev: requirements-dev.txt $(VENV)/.stamp
	@echo "Installing what requirements-dev.txt locks ..."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

tests/browser/node_modules/.stamp: tests/browser/package-lock.json
	@echo "Installing what tests/browser/package-lock.json locks ..."
	@cd tests/browser && npm ci --no-audit --no-fund --silent
	@touch $@

# --- Running --------------------------------------------------------------------------------------------------------
run: $(VENV)/.stamp
	@exec $(BIN)/polyclinic up --demo --host $(HOST) --port $(PORT)

# --- Tests ----------------------------------------------------------------------------------------------------------
test: $(VENV)/.stamp
	$(PYTEST) -n auto $(ARGS)

test-postgres: $(VENV)/.stamp
	TEST_DATABASE_URL=$(TEST_DATABASE_URL) $(PYTEST) -n auto $(ARGS)

test-browser: $(VENV)/.stamp-dev tests/browser/node_modules/.stamp
	$(PYTEST) -m browser $(ARGS)

test-realdata: $(VENV)/.stamp
	$(PYTEST) -m realdata $(ARGS)

test-slow: $(VENV)/.stamp-dev
	$(PYTEST) -m slow $(ARGS)

# The long proofs: whole, and at a tenth of their size. TEST_DATABASE_URL=… runs them on PostgreSQL.
prove: $(VENV)/.stamp-dev
	PROVE_SCALE=1 $(PYTEST) -m prove $(ARGS)

prove-tenth: $(VENV)/.stamp-dev
	$(PYTEST) -m prove $(ARGS)

# Every process is measured: xdist's workers, and the servers and workers that tests start (see [tool.coverage.run]).
coverage: $(VENV)/.stamp
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto $(ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# --- Checks ---------------------------------------------------------------------------------------------------------
check: $(VENV)/.stamp-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=src $(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	@echo "$(BIN)/python manage.py check --deploy --fail-level WARNING   (as production)"; \
	home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && \
	    DEBUG=False SECRET_KEY="$$($(BIN)/python manage.py make-key)" ALLOWED_HOSTS=clinic.example \
	    SIGNUP_ROLE_POLICY=approval RATE_LIMITS=on SECURE_SSL_REDIRECT=true POLYCLINIC_HOME="$$home" \
	    $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/hadolint Dockerfile
	$(PYTEST) -q tests/architecture

# --- Upkeep ---------------------------------------------------------------------------------------------------------
LOCK := uv pip compile pyproject.toml --extra build --extra test --universal --python-version 3.11 \
    --generate-hashes --no-emit-index-url --custom-compile-command "make lock" -q

lock:
	$(LOCK) -o requirements.txt
	$(LOCK) --extra dev -c requirements.txt -o requirements-dev.txt

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage .coverage.* htmlcov
