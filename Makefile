# `make run` starts TameFlare, `make test` proves it; both set up what they need by themselves. `make help` lists the rest.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
NODE_PARTS := tests
ARGS ?=
export PYTHON

.PHONY: help run test test-postgresql test-compiled check format demo wheel bench bench-peers fuzz-api docs lock clean

help: ## what there is to make
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' Makefile | expand -t 24

run: $(VENV)/.runtime ## start server and proxy on this machine (Ctrl-C stops both)
	@exec $(BIN)/tf up $(ARGS)

test: check $(VENV)/.node ## everything: the checks, then all tests in random order (ARGS="-k access" picks some)
	@tools/system_parts.sh bench || echo "the tests of the benchmark are left out"
	@tools/system_parts.sh chain || echo "the tests through Squid, and with a proxy on another machine, are left out"
	@tools/system_parts.sh databases || echo "the tests on PostgreSQL are left out"
	@tools/system_parts.sh browser || echo "the tests in a browser are left out"
	@tools/system_parts.sh shells || echo "completion in zsh and fish, and the check of the manual page, are left out"
	@tools/system_parts.sh matrix || echo "clients that are missing are left out of the matrix"
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(ARGS)

check: $(VENV)/.dev $(VENV)/.parts-test ## lint, format, types, the way imports go, fresh documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo >$(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }
	@$(BIN)/python -m tools.reference --check

format: $(VENV)/.dev ## write the code the way `make check` wants it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

demo: $(VENV)/.demo $(VENV)/.parts-test ## an agent under TameFlare against doubles of GitHub, OpenAI and Stripe; no internet
	@$(BIN)/tf demo $(ARGS)

test-postgresql: $(VENV)/.dev $(VENV)/.parts-databases ## the tests of the control plane with everything on PostgreSQL
	@TAMEFLARE_TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 2 tests/control $(ARGS)

test-compiled: $(VENV)/.compiled ## the tests of the request path against its compiled form (see `make wheel`)
	@$(VENV)/compiled/bin/python -m pytest -n 3 --dist loadfile tests/wire tests/core tests/connectors tests/proxy tests/resistance $(ARGS)

wheel: $(VENV)/.dev $(VENV)/.parts-compile ## a wheel for this machine and Python with the request path compiled, in dist/
	@TAMEFLARE_COMPILE=1 $(PIP) wheel --no-deps --no-build-isolation --wheel-dir dist .

bench: $(VENV)/.compiled $(VENV)/.parts-bench ## ours (compiled) against direct, in one run
	@$(VENV)/compiled/bin/python -m bench $(ARGS)

bench-peers: $(VENV)/.compiled $(VENV)/.parts-bench ## ours (compiled) against nginx, Squid, mitmproxy, proxy.py and Go, in one run
	@tools/system_parts.sh peers || echo "what is missing is left out"
	@[ -x .venv-peers/bin/mitmdump ] || tools/peers.sh .venv-peers || echo "mitmproxy and proxy.py are left out"
	@$(VENV)/compiled/bin/python -m bench.peers $(ARGS)

fuzz-api: $(VENV)/.dev ## the server against its OpenAPI document, with many more requests than `make test` sends
	@TF_FUZZ_EXAMPLES=$${TF_FUZZ_EXAMPLES:-100} TF_FUZZ_SEED=$${TF_FUZZ_SEED:-$$RANDOM} \
		$(BIN)/python -m pytest -n 0 tests/control/test_api_fuzz.py $(ARGS)

docs: $(VENV)/.dev ## write docs/reference/ anew from the code
	@$(BIN)/python -m tools.reference

lock: $(VENV)/.dev ## pin requirements/*.txt anew (ARGS=--upgrade moves to newer releases)
	@LOCKER=$(BIN)/pip-compile tools/lock.sh $(ARGS)

clean: ## remove everything that was made here; the data directory stays
	@rm -rf $(VENV) .venv-peers .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench/build build dist $(NODE_PARTS)/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each list of packages holds the one before it, so that the stamps only ever add to the environment.
$(VENV)/.runtime $(VENV)/.demo $(VENV)/.dev: $(VENV)/.%: requirements/%.txt pyproject.toml | $(VENV)/.made
	@echo "installing what $(*F) needs into $(VENV) (a minute or two the first time)"
	@$(PIP) install --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.compiled: tools/compiled.sh $(VENV)/.dev $(VENV)/.parts-compile $(shell find src/tameflare -name '*.py')
	@tools/compiled.sh $(VENV) $(VENV)/compiled
	@touch $@

# What the tests run in Node: clients, MCP servers, a newer Node; without scripts of packages, from the registry that npm
# is set up for.
$(VENV)/.node: $(NODE_PARTS)/package-lock.json $(VENV)/.parts-test
	@npm ci --prefix $(NODE_PARTS) --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@touch $@

$(VENV)/.made:
	@tools/system_parts.sh run
	@"$$(tools/python.sh)" -m venv $(VENV)
	@touch $@

$(VENV)/.parts-%: tools/system_parts.sh | $(VENV)/.made
	@tools/system_parts.sh $*
	@touch $@
