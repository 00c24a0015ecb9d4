# The front door. Everything here needs nothing before it: what is missing is installed first.
.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-latency bench-rest bench-sql bench-stream build install lint format docs fuzz clean setup sanitize
.DELETE_ON_ERROR:

PREFIX ?= /usr/local
SANITIZE ?= 0
PYTEST_ARGS ?=
BENCH_ARGS ?=
FUZZ_SECONDS ?= 60
python := .venv/bin/python

help: ## what can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## a question across PostgreSQL and MariaDB, on real data, in a scratch directory
	@$(python) examples/flights/run.py

test: build ## all tests, against real servers that the tests start (SANITIZE=1: C units under ASan+UBSan too)
	@SANITIZE='$(SANITIZE)' $(python) tools/run_tests.py $(PYTEST_ARGS)

bench: build ## load tables beside connectorx, adbc, polars, DuckDB and others (BENCH_ARGS=--help)
	@tools/setup bench
	@cmake --build --preset default --target bench_limit
	@$(python) bench/run.py $(BENCH_ARGS)

bench-latency: build ## one-row queries and first batches, beside asyncpg and psycopg
	@tools/setup bench
	@$(python) bench/latency.py $(BENCH_ARGS)

bench-rest: build ## rows of a REST API into pandas, beside requests + json_normalize
	@tools/setup bench
	@$(python) bench/rest.py $(BENCH_ARGS)

bench-sql: build ## tables of PostgreSQL and MariaDB through the hub, beside postgres_fdw, mysql_fdw and others
	@tools/setup bench
	@$(python) bench/sql.py $(or $(BENCH_ARGS),all)

bench-stream: build ## memory of client and hub while 50 M rows stream
	@$(python) bench/stream.py $(BENCH_ARGS)

build: setup build/.configured ## the command build/instant, the library, and the package in .venv
	@cmake --build --preset default
	@tools/link_package

install: build ## command, library, header and manual page under PREFIX (/usr/local)
	@cmake --install build --prefix '$(PREFIX)'

lint: setup ## formatting, layers, types and scripts: what a program can check
	@tools/setup lint
	@tools/lint

format: setup ## lay out C and Python the way lint wants it
	@find src include tests -name '*.[ch]' -print0 | xargs -0 -r .venv/bin/clang-format -i
	@$(python) -m ruff check --quiet --fix .

docs: setup ## the documentation as a site under site/
	@tools/setup docs
	@NO_MKDOCS_2_WARNING=1 $(python) -m mkdocs build --strict --quiet

fuzz: setup ## the parsers of foreign bytes against libFuzzer, FUZZ_SECONDS (60) each
	@tools/setup fuzz
	@cmake --preset fuzz $(configure)
	@cmake --build --preset fuzz
	@tests/fuzz/run build/fuzz '$(FUZZ_SECONDS)'

clean: ## remove what was built (.venv and .deps stay)
	@rm -rf build dist site .pytest_cache .hypothesis .ruff_cache .mypy_cache .coverage
	@find src tests tools examples bench -name __pycache__ -prune -exec rm -rf {} +

# For other targets.
setup:
	@tools/setup

configure = -DPython_EXECUTABLE="$(CURDIR)/$(python)" -DPython3_EXECUTABLE="$(CURDIR)/$(python)"

# Stamps of our own: a build folder that somebody configured by hand has other options.
build/.configured: CMakePresets.json Makefile | setup
	@cmake --preset default -DINSTANT_PYTHON=ON $(configure)
	@touch $@

build/sanitize/.configured: CMakePresets.json Makefile | setup
	@cmake --preset sanitize $(configure)
	@touch $@

sanitize: setup build/sanitize/.configured
	@cmake --build --preset sanitize
