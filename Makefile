# Everything needed is made under .tools/ and .venv/ from the lock files; nothing else is touched.
# `make demo` and `make test` work from a fresh clone with git, make and Python 3.11 or newer.

PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin

# Take the Python that is there, never fetch one.
export UV_PYTHON_DOWNLOADS := never
# Compile once what every command and every service of a test starts with.
export UV_COMPILE_BYTECODE := 1
# An activated environment elsewhere must not be the one that is filled.
unexport VIRTUAL_ENV

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo serve test lint format bench calibration docs screenshots lock secrets clean

help: ## Show these targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 13

demo: .venv/runtime.stamp ## Run Graftwatch with example data, on this machine only
	$(BIN)/graftwatch demo

serve: .venv/runtime.stamp ## Bring the database up to date and serve it
	$(BIN)/graftwatch migrate
	$(BIN)/graftwatch serve

test: lint ## Check everything: style, types, import rules, container files, all tests
	$(BIN)/python -m compileall -q service tests
	$(BIN)/pytest -n 2 --dist worksteal $(PYTEST_ARGS)

lint: .venv/dev.stamp ## Check everything that needs no running
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

format: .venv/dev.stamp ## Put the source into the house's style
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: .venv/dev.stamp ## Measure, print ratios, keep them in bench/results (BENCH_ARGS="events --store sqlite")
	$(BIN)/python -m bench $(BENCH_ARGS)

calibration: .venv/dev.stamp ## Simulate anew how often the methods err: docs/calibration.md
	$(BIN)/python -m tests.calibration

docs: .venv/docs.stamp ## Make the site of docs/ in site/ (any web server can serve it)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --clean

screenshots: .venv/dev.stamp ## Take the pictures of docs/ anew from the demonstration (needs Chromium)
	$(BIN)/pytest -q tests/browser/test_screenshots.py
	cp test-artefacts/docs/*.png docs/images/

COMPILE = $(UV) pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	--python-version 3.11

lock: $(UV) ## Resolve the dependencies anew (UPGRADE=--upgrade takes newer releases)
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements.lock
	$(COMPILE) $(UPGRADE) pyproject.toml --group docs -c requirements.lock -o requirements-docs.lock
	$(COMPILE) $(UPGRADE) pyproject.toml --group dev -c requirements.lock -c requirements-docs.lock \
	  -o requirements-dev.lock

# Readable by the containers' own users, in a folder that only you can enter. Never overwritten:
# PostgreSQL keeps the password it was first started with. The key for Prometheus is made by the
# service once it runs: until then its file is empty.
secrets: ## Make the passwords that docker-compose.yml mounts
	@if [ -e secrets/database_url ]; then echo "secrets/database_url is there already: left as it is"; \
	else umask 022 && mkdir -p secrets && chmod 700 secrets \
	&& password=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))') \
	&& printf '%s\n' "$$password" > secrets/database_password \
	&& printf 'postgresql://graftwatch:%s@database/graftwatch\n' "$$password" > secrets/database_url \
	&& echo "made secrets/database_password and secrets/database_url"; fi
	@umask 022 && for file in metrics_key pseudonym_key grafana_password; do [ -e secrets/$$file ] \
	|| { [ $$file = metrics_key ] || $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))'; } \
	> secrets/$$file; done

clean: ## Remove what was made, but no data
	rm -rf .tools .venv site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(UV): requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Graftwatch needs Python 3.11 or newer, and '$(PYTHON)' is not that:" \
	    "name one, as in 'make PYTHON=python3.12 $(or $(MAKECMDGOALS),test)'" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments:" \
	    "on Debian and Ubuntu, install the package python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv --clear .tools
	.tools/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(BIN)/python: | $(UV)
	$(UV) venv -q --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv

# Installing adds what is missing and leaves the development tools, where they are, alone.
.venv/runtime.stamp: requirements.lock pyproject.toml | $(BIN)/python
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/docs.stamp: requirements-docs.lock pyproject.toml | $(BIN)/python
	$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements-docs.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | $(BIN)/python
	$(UV) pip sync -q --python $(BIN)/python --require-hashes requirements-dev.lock
	$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@ .venv/runtime.stamp .venv/docs.stamp
