# One target per act; `make` lists them. All set-up happens in .venv, .venv-security, .venv-ci and node_modules, and again
# only when a lock changes.

PYTHON ?= python3
PIPENV_VERSION := 2026.10.3

# node and npm come with the Python dependencies, cdktf with those of npm.
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/.bin:$(PATH)
export PIPENV_VERBOSITY := -1

PYTHON_READY := .venv/.ready
NODE_READY := node_modules/.ready
SECURITY_READY := .venv-security/.ready
CI_READY := .venv-ci/.ready
HANDLER_SOURCES := $(shell find handler -name '*.py' -o -name '*.sql' -o -name '*.pem' -o -name '*.mjs' -o -name '*.html' -o -name '*.css' -o -name '*.svg') handler/requirements.txt
SOURCES := main.py stacks constructs handler local tests benchmarks

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo local doctor open upload results forget redrive reingest test test-unit security check format synth package screenshots rds-ca-bundle benchmark chaos lock clean prerequisites

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(NODE_READY) ## Install everything that the project needs into .venv and node_modules

demo: $(NODE_READY) dist/handler-host.zip ## Deploy the platform on this machine, process a report, show it, stop (3 minutes)
	@$(PY) -m local demo

local: $(NODE_READY) dist/handler-host.zip ## Deploy the platform on this machine and keep it up until Ctrl-C
	@$(PY) -m local up

doctor: $(PYTHON_READY) ## Say what stands in the way of a deploy of ENVIRONMENT_SUFFIX (default: dev) to AWS; it changes nothing
	@$(PY) -m local doctor --environment="$${ENVIRONMENT_SUFFIX:-dev}"

open: $(PYTHON_READY) ## Look at the results of ENVIRONMENT_SUFFIX (default: dev) in AWS in your browser, until Ctrl-C
	@$(PY) -m local open --environment="$${ENVIRONMENT_SUFFIX:-dev}"

# By the environment, into which make hands such variables: names may have blanks and quotes.
upload: $(PYTHON_READY) ## Upload FILE as PROJECT's to `make local`, show it; also JOB, BRANCH, COMMIT, BUILD_URL
	@test -n "$$FILE" && test -n "$$PROJECT" || { echo 'TAP: name a report and its project: make upload FILE=report.xml PROJECT=shop [JOB=unit] [BRANCH=main] [COMMIT=1a2b3c] [BUILD_URL=https://...]' >&2; exit 2; }
	@$(PY) -m local upload --project "$$PROJECT" --job "$$JOB" --branch "$$BRANCH" --commit "$$COMMIT" --build-url "$$BUILD_URL" -- "$$FILE"

results: $(PYTHON_READY) ## Latest runs, slowest, flaky and failing tests of `make local`; PROJECT and LIMIT narrow them
	@$(PY) -m local results --project "$$PROJECT" --limit "$${LIMIT:-10}"

forget: $(PYTHON_READY) ## Remove all uploads of PROJECT, or one UPLOAD, for good: of `make local`, or of ENVIRONMENT_SUFFIX in AWS
	@test -n "$$PROJECT$$UPLOAD" || { echo 'TAP: name what is to be forgotten: make forget PROJECT=shop or UPLOAD=3b241101-... [ENVIRONMENT_SUFFIX=dev]' >&2; exit 2; }
	@$(PY) -m local forget $${PROJECT:+--project="$$PROJECT"} $${UPLOAD:+--upload="$$UPLOAD"} $${ENVIRONMENT_SUFFIX:+--environment="$$ENVIRONMENT_SUFFIX"}

reingest: $(PYTHON_READY) ## Read all reports of PROJECT, or one UPLOAD, again: of `make local`, or of ENVIRONMENT_SUFFIX in AWS
	@test -n "$$PROJECT$$UPLOAD" || { echo 'TAP: name what is to be read again: make reingest PROJECT=shop or UPLOAD=3b241101-... [ENVIRONMENT_SUFFIX=dev]' >&2; exit 2; }
	@$(PY) -m local reingest $${PROJECT:+--project="$$PROJECT"} $${UPLOAD:+--upload="$$UPLOAD"} $${ENVIRONMENT_SUFFIX:+--environment="$$ENVIRONMENT_SUFFIX"}

redrive: $(PYTHON_READY) ## Try the dead letters of QUEUE (ingest, events, undelivered) again: of `make local`, or of ENVIRONMENT_SUFFIX in AWS; RATE a second
	@test -n "$$QUEUE" || { echo 'TAP: name a queue: make redrive QUEUE=ingest, events or undelivered [ENVIRONMENT_SUFFIX=dev] [RATE=5]' >&2; exit 2; }
	@$(PY) -m local redrive $${ENVIRONMENT_SUFFIX:+--environment="$$ENVIRONMENT_SUFFIX"} $${RATE:+--rate="$$RATE"} -- "$$QUEUE"

# One process more than CI has processors: the one that deploys the platform waits more than it works.
test: $(NODE_READY) $(SECURITY_READY) $(CI_READY) dist/handler-host.zip ## All tests, with the platform deployed on this machine (20 minutes)
	$(PY) -m pytest -n 3 --cov --cov-report=term

test-unit: $(PYTHON_READY) ## The tests of stacks and constructs on synthesized JSON (a minute)
	$(PY) -m pytest tests/unit

security: $(NODE_READY) $(SECURITY_READY) dist/handler-host.zip ## The proofs of security alone, with a summary (5 minutes)
	$(PY) -m pytest -n 2 -m security tests/security tests/handler tests/browser tests/e2e

check: $(PYTHON_READY) ## Lint, format and types, without changing anything
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m mypy $(SOURCES)

format: $(PYTHON_READY) ## Format, and mend what the linter can mend
	$(PY) -m ruff format $(SOURCES)
	$(PY) -m ruff check --fix $(SOURCES)

synth: $(PYTHON_READY) dist/handler-aws.zip ## Write the Terraform JSON of ENVIRONMENT_SUFFIX (default: dev) to cdktf.out
	@$(PY) main.py
	@ls -d cdktf.out/stacks/*

package: dist/handler-aws.zip ## Build the function's package for AWS

screenshots: $(NODE_READY) ## Take the pictures of the pages that the documentation shows, from made-up data
	$(PY) -m tests.browser.screenshots

rds-ca-bundle: $(PYTHON_READY) ## Take AWS's current certificate authorities of RDS, for regions that are newer than ours
	@$(PY) -m handler.renew_rds_ca_bundle

benchmark: $(NODE_READY) dist/handler-host.zip dist/handler-aws.zip ## Measure what is claimed, into benchmarks/RESULTS.md (20 minutes; QUICK=1: small, in less than two)
	$(PY) -m benchmarks $(if $(QUICK),--quick)

chaos: $(NODE_READY) dist/handler-host.zip ## Break the platform on purpose ten thousand times, and count what is lost or doubled (three hours; Ctrl-C and go on)
	$(PY) -m tests.chaos

lock: $(PYTHON_READY) ## Resolve the Python dependencies anew, without writing an index address into the lock
	$(PY) -m pipenv lock
	# pipenv hashes the address of the index as well: the public one's here, or `pipenv install` would resolve all anew.
	env -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null $(PY) -c 'import json, pathlib; \
	from pipenv.project import Project; path = pathlib.Path("Pipfile.lock"); lock = json.loads(path.read_text()); \
	lock["_meta"] |= {"hash": {"sha256": Project().pipfile.calculate_hash()}, "sources": []}; \
	path.write_text(json.dumps(lock, indent=4, sort_keys=True) + "\n")'

clean: ## Remove what was built and installed; states of Terraform stay
	rm -rf .venv .venv-security .venv-ci node_modules .terraform-providers cdktf.out dist .coverage .mypy_cache .hypothesis .pytest_cache .ruff_cache

prerequisites:
	@$(PYTHON) local/prerequisites.py

# What is included in GitLab brings no other file along: the template contains the script.
ci/gitlab.yml: ci/gitlab.in.yml ci/upload.sh
	awk '/^@ci\/upload.sh@$$/ { while ((getline line < "ci/upload.sh") > 0) print (line == "" ? "" : "      " line); next } { print }' $< > $@

dist/handler-%.zip: $(HANDLER_SOURCES) $(NODE_READY)
	$(PY) -m handler.package --target $*

$(PYTHON_READY): Pipfile.lock handler/requirements.txt | prerequisites
	test -x $(PY) || $(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION)
	VIRTUAL_ENV="$(CURDIR)/.venv" $(PY) -m pipenv sync --dev
	$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r handler/requirements.txt
	# jsii unpacks the bindings at their first use, and two processes that do so at once get in each other's way.
	$(PY) -c 'from stacks import lazy_bindings; lazy_bindings.install(); import stacks.base'
	touch $@

$(SECURITY_READY): tests/security/requirements.txt | prerequisites
	$(PYTHON) -m venv --clear .venv-security
	.venv-security/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@

$(CI_READY): tests/ci/requirements.txt | prerequisites
	$(PYTHON) -m venv --clear .venv-ci
	.venv-ci/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@

$(NODE_READY): package-lock.json $(PYTHON_READY)
	.venv/bin/npm ci --loglevel=error
	touch $@
