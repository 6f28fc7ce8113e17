# Everything that one does with this checkout. `make` alone lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Many processes start, each with the same code: it is compiled once.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
#: What the sources and tools in this folder are checked and run with.
INSTALLED := $(VENV)/.requirements-installed
PROJECT_INSTALLED := $(VENV)/.project-installed

# The newest Python that can make a virtual environment, else the newest that is new enough, else any:
# deploy/local/preflight.py says what is wrong with it.
PYTHON ?= $(shell \
	for needed in "import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))" \
	              "import sys; sys.exit(sys.version_info < (3, 11))" "pass"; do \
		for python in python3.13 python3.12 python3.11 python3; do \
			$$python -c "$$needed" 2>/dev/null && echo $$python && break 2; \
		done; \
	done)

#: More options for the command: make up ARGS="--http-port 8080", make test ARGS=tests/unit.
ARGS ?=

.PHONY: help
help: ## List the targets
	@echo "make <target> [PYTHON=python3.12] [ARGS=...]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target words; do \
		printf '  %-14s %s\n' "$$target" "$$words"; \
	done

.PHONY: setup
setup: $(PROJECT_INSTALLED) ## Make .venv with everything locked in requirements.txt (redone when that changes)

# One that works stays, whoever made it.
.PHONY: venv
venv:
	@$(BIN)/python -c "import pip, sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null \
		|| $(MAKE) --no-print-directory new-venv

.PHONY: new-venv
new-venv: python = $(PYTHON)
new-venv:
	@test -n "$(python)" || { echo "There is no Python here. On Debian and Ubuntu this mends it:" >&2; \
		echo "    apt-get install -y python3 python3-venv" >&2; exit 1; }
	@$(python) deploy/local/preflight.py
	$(python) -m venv --clear $(VENV)

$(INSTALLED): requirements.txt | venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(PROJECT_INSTALLED): $(INSTALLED) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: setup ## A tour: invoices arrive, are read, approved and paid; every run is asked
	$(BIN)/tagwerk demo $(ARGS)

.PHONY: up
up: setup ## Run the whole stack here until Ctrl-C
	$(BIN)/tagwerk up $(ARGS)

.PHONY: test
test: setup ## Run the tests, on real servers, five files at a time: they wait more than they compute
	$(BIN)/python -m pytest -m "not soak" -n 5 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: setup ## Formatting, lint, types, import rules, generated pages, manifests: what CI checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m deploy.generated --check
	$(BIN)/python -m deploy.kubernetes

.PHONY: bench
bench: setup ## Measure throughput, latency, memory and OCR on this machine
	$(BIN)/python -m tests.benchmarks $(ARGS)

.PHONY: soak
soak: setup ## The longer proofs: kills under load, for minutes
	$(BIN)/python -m pytest -m soak $(ARGS)

.PHONY: restore-drill
restore-drill: setup ## Take a backup under load, kill everything, restore, and check what came back
	$(BIN)/python -m tests.drills.restore

.PHONY: upgrade-drill
upgrade-drill: setup ## Replace the services of an earlier commit (TAGWERK_UPGRADE_FROM) by today's, under load
	$(BIN)/python -m tests.drills.upgrade

.PHONY: compose
compose: ## Run the stack in containers instead, on a machine with Docker; secrets come to lie in ./secrets
	TAGWERK_REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) docker compose build gateway
	docker compose run --rm secrets
	docker compose up --detach --wait $(ARGS)
	docker compose logs --no-log-prefix sign-in

.PHONY: clean-state
clean-state: setup ## Remove the state of the stack (.tagwerk); refused while it runs
	$(BIN)/tagwerk clean-state $(ARGS)
