# One command to run (`make run`), one to test (`make test`). Each makes what it needs in .venv first.

PYTHON ?= python3
# `make test PYTHON=python3.13` sets up one of its own, and leaves the other as it is.
VENV := .venv$(if $(filter command,$(firstword $(origin PYTHON))),-$(notdir $(PYTHON)))
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Tests start hundreds of processes of the product: what is compiled once is kept.
unexport PYTHONDONTWRITEBYTECODE

# Linting loads the settings, as a real site would have them; the secrets are thrown away.
LINT_ENV = env DEBUG=off ALLOWED_HOSTS=lint.example SITE_URL=https://lint.example TRUSTED_PROXY_COUNT=1 \
	DATABASE_URL=sqlite://:memory: \
	ACTIVECAMPAIGN_SANDBOX_ORIGINS= RATE_LIMITS=on \
	SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
	CREDENTIAL_KEYS=$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')

.DEFAULT_GOAL := help
.PHONY: help run test test-scale lint format look bench compare mutate outdated pins chromium

help:
	@echo "make run      start the product with a sandbox and demo people; PORT=… SANDBOX_PORT=… choose other ports"
	@echo "make test     run all tests; ARGS=\"-k word\" narrows them, PYTHON=python3.13 runs them on another Python"
	@echo "make test-scale  run all tests on PostgreSQL, then behind PgBouncer, and those of a large site and real proxies (an hour)"
	@echo "make lint     check style, imports, types, templates and migrations"
	@echo "make format   put style right, and write out the table of settings"
	@echo "make look     take pictures of the running demo's pages; ARGS=\"/w/harbour-tea/connections/\" names them"
	@echo "make bench    measure the pulling of data; ARGS=\"--only speed\" chooses, ARGS=--quick is a short one"
	@echo "make compare  read the sandbox with a public connector, and count its rows beside ours (two minutes)"
	@echo "make mutate   change the code that locks things, and report what no test notices (an hour); ARGS=\"connections.access.access*\" narrows it"
	@echo "make outdated list the pinned packages that have newer releases"
	@echo "make pins     write out the pinned packages with their hashes; ARGS=--upgrade or ARGS=\"--upgrade-package django\" takes newer ones"

run: $(STAMP)
	@exec $(BIN)/python -m blinkmetrics.run

# Three at a time on two cores: many wait for a server, a browser or a pace. Neighbours share what they start.
test: $(STAMP) chromium
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

test-scale: export EXAMPLES := 200
test-scale: export SWAP_KILLS := 20
test-scale: $(STAMP) chromium
	@$(BIN)/python -m pytest -m scale $(ARGS)
	@$(BIN)/python -m tests.on_postgresql -m "scale or not scale" $(ARGS)
	@$(BIN)/python -m tests.on_postgresql --behind-pgbouncer $(ARGS)

lint: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(LINT_ENV) $(BIN)/mypy
	@$(BIN)/djlint --lint --quiet templates sources
	@$(LINT_ENV) $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(LINT_ENV) $(BIN)/python manage.py makemigrations --check --dry-run

format: $(STAMP)
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format
	@$(BIN)/python -m blinkmetrics.setting_pages

look: $(STAMP) chromium
	@$(BIN)/python -m tests.looking $(ARGS)

bench: $(STAMP)
	@$(BIN)/python -m tests.bench $(ARGS)

compare: $(STAMP)
	@$(BIN)/python -m tests.compare

mutate: $(STAMP)
	@nice $(BIN)/python -m tests.mutation $(ARGS)

outdated: $(STAMP)
	@$(BIN)/python -m blinkmetrics.outdated

# What a site runs, and what its developers need besides, each file of each package by its hash. None of it is for Windows.
LOCK = $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	--no-emit-package colorama --no-emit-package tzdata $(ARGS)
pins: $(STAMP)
	@$(LOCK) --extra scale --extra sentry --output-file constraints.txt
	@$(LOCK) --all-extras --constraint constraints.txt --output-file constraints-dev.txt \
		$$(sed -n 's/^\([a-z][^=]*\)==.*/--no-emit-package \1/p' constraints.txt)

$(STAMP): pyproject.toml constraints.txt constraints-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "BlinkMetrics needs Python 3.11 or later and '$(PYTHON)' is not: install one, then PYTHON=python3.11 make …"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python has no venv or pip: install them (Debian, Ubuntu: apt-get install python3-venv), then try again."; exit 1; }
	@echo "Setting up $(VENV) (a minute or two; only when the list of packages changes)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement constraints.txt --requirement constraints-dev.txt
	@touch $@

# The browser tests drive the system's Chromium. Where it is not and cannot be installed they are skipped, loudly.
chromium:
	@for name in $${CHROMIUM:-chromium chromium-browser google-chrome}; do \
		command -v "$$name" >/dev/null && exit 0; \
	done; \
	if [ -z "$$CHROMIUM" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Chromium for the browser tests"; \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium >/dev/null && exit 0; \
	fi; \
	echo "No Chromium: browser tests will be skipped. Install it (Debian, Ubuntu: apt-get install chromium)."
