# ccpor-check: `make help` lists everything.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ROOMS := agent checks reporting server
export PYTHONDONTWRITEBYTECODE=
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help demo test check fix serve gold bench season map uswds faults lab lab-peers capacity-lab capacity-model install peers quick lock clean

help: ## list what there is
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(VENV)/.done ## make the environment (.venv) from the hashed lock

$(VENV)/.done: requirements.lock pyproject.toml
	@echo "making the environment in $(VENV) (about a minute) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: install ## a collector, an enrolled machine, a real run, the filled checklist (CHECK_ONLY=1: then stop)
	@$(BIN)/python -m tests.demo $(if $(CHECK_ONLY),--check-only)

peers: ## install the servers that the tests use (Debian; needs root)
	@.ci/install

test: peers install ## install what the tests need, then run all of them
	@$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

quick: install ## the tests that take no more than a moment each
	@$(BIN)/python -m pytest -q -n 2 -m "not slow and not wine and not browser" $(PYTEST_ARGS)

check: install ## format, lint, types, generated documents
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy && $(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32
	@.ci/no-hosts

fix: install ## let ruff mend what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

serve: install ## a collector on https://localhost:8443 with its data in .demo/serve
	@$(BIN)/python -m tests.demo --serve

gold: install ## rewrite golden files and generated documents; review the diff
	@CCPOR_GOLD=1 $(BIN)/python -m pytest -q tests/test_readme.py tests/reporting/test_*.py -m "not browser"
	@$(BIN)/python -m ccpor_reporting.schema > docs/schema/ccpor-report-1.schema.json
	@$(BIN)/python -m ccpor_reporting.render.findings_page > docs/findings.md
	@$(BIN)/python -m ccpor_agent.profile.reference > docs/profile.md
	@$(BIN)/python -m tests.agent.bad_profiles
	@$(BIN)/python -m tests.server.openapi_page > docs/openapi.json

bench: install ## times beside a peer, in one run
	@$(BIN)/python -m tests.benchmarks

season: install ## a year of 60 courts through the API, then every page beside a recount (8 minutes; SEASON="--short")
	@$(BIN)/python -m tests.season $(SEASON)

map: ## draw the counties of the board's map again (needs node and npm ci)
	@node server/ccpor_server/maps/build.mjs

uswds: ## build the components of the U.S. Web Design System again (needs node and npm ci)
	@node server/ccpor_server/static/uswds.mjs

faults: install ## 20 faulty TLS/HTTP endpoints and 10 faulty names: is each named? (a table)
	@$(BIN)/python -m tests.faults

lab: install ## break a courthouse's network in 160 ways: is each fault named, placed, owned? (3 minutes; LAB="--user")
	@$(BIN)/python -m tests.lab $(LAB)

lab-peers: install ## fifteen conditions beside blackbox_exporter, monitoring-plugins and curl
	@$(BIN)/python -m tests.lab.beside_peers

capacity-lab: install ## 40 shaped lines, 100 decisions, what it costs others, beside iperf3 (30 minutes; LAB="--only cells")
	@$(BIN)/python -m tests.lab.capacity $(LAB)

capacity-model: install ## the model against real uploads, docs/capacity-model.md (MEASURE="hold-out 2": measure first, 25 minutes)
	@$(BIN)/python -m tests.lab.model $(if $(MEASURE),"$(MEASURE)")

lock: ## renew requirements.lock (needs uv)
	@uv pip compile --no-header --generate-hashes --universal -q --python-version 3.11 \
	    --all-extras pyproject.toml -o requirements.lock
	@.ci/no-hosts

clean: ## remove what make made
	@rm -rf $(VENV) .demo .cache .lab node_modules .pytest_cache .mypy_cache .ruff_cache
