# Every target sets up what it needs under $(CACHE), once, with git, make and python3 alone.
CACHE ?= .cache
PYTHON ?= python3
VENV := $(CACHE)/venv
PY := $(VENV)/bin/python
RUN = PYTHONPATH=generator $(PY) -m okd_gitops --cache $(CACHE)
ARGS ?=
MAKEFLAGS += --no-print-directory
# A stamp carries the checksum of its lock file; the hashes inside the lock file are what pip checks.
stamp = $(VENV)/.$(1)-$(shell cksum < requirements/$(1).txt | tr ' ' -)
GENERATE := $(call stamp,generate)
CHECK := $(call stamp,check)
DEV := $(call stamp,dev)
.DEFAULT_GOAL := help
.PHONY: help generate check diff test lint bench demo-release lab golden lock clean tools

help: ## Show this help
	@echo "okd-gitops: edit clusters/*.yaml, then make generate, then make check"
	@sed -n 's/^\([a-z-]*\):.*## /  make \1@/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-18s %s\n", $$1, $$2}'

generate: $(GENERATE) ## Write bases/, overlays/ and argocd/ from clusters/ (needs Python only)
	@$(RUN) generate $(ARGS)

check: $(CHECK) tools ## Check drift, builds, schemas and rules
	@$(RUN) check $(ARGS)

diff: $(CHECK) tools ## Show what changes on each cluster since HEAD, rendered
	@$(RUN) diff $(ARGS)

test: $(DEV) tools lint ## Run lint and every test
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) -m pytest -n 2 $(ARGS)

lint: $(DEV) ## Run ruff, mypy and import-linter
	@$(VENV)/bin/ruff check --quiet generator tests tools && $(VENV)/bin/ruff format --check --quiet generator tests tools
	@$(VENV)/bin/mypy --no-error-summary generator tools tests
	@PYTHONPATH=generator $(VENV)/bin/lint-imports --no-cache >$(CACHE)/import-linter.log || { cat $(CACHE)/import-linter.log; exit 1; }
	@echo "lint: clean"

bench: $(DEV) tools ## Measure generate and check beside a loop of the plain tools
	@PYTHONPATH=generator OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) tests/bench.py $(ARGS)

demo-release: $(CHECK) tools ## Let a release go through a copy of this fleet, offline, in a minute
	@PYTHONPATH=generator OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) tests/demo_release.py

lab: $(DEV) tools ## Try everything rendered on the cluster of KUBECONFIG
	@PYTHONPATH=generator:tools:tests OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) tests/lab.py $(ARGS)

golden: $(DEV) ## Rewrite the golden folders of the tests; review the diff
	@PYTHONPATH=generator OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) tests/golden.py

lock: ## Resolve the Python dependencies again (needs uv)
	@for pair in generate: check:--extra=schemas dev:--extra=dev gate:--extra=gate; do name=$${pair%%:*}; \
	  uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --python-version 3.11 \
	    $${pair#*:} $$([ $$name = generate ] || echo -c requirements/generate.txt) pyproject.toml -o requirements/$$name.txt; done

clean: ## Remove everything that make set up
	@chmod -R u+w $(CACHE) 2>/dev/null; rm -rf $(CACHE)

# Go tools and schemas: what is there and verified is left alone.
tools: $(CHECK)
	@$(PY) tools/setup.py --cache $(CACHE)

# Each lock file holds all of the one before: whoever may run the tests has nothing left to install when they run `make generate`.
$(CHECK): $(GENERATE)
$(DEV): $(CHECK)

$(VENV)/.%:
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 4; }
	@test -x $(PY) || { echo "setting up Python packages in $(VENV) (once, about 15 s)"; $(PYTHON) -m venv $(VENV); }
	@name=$(firstword $(subst -, ,$*)); start=$$(date +%s); \
	  $(PY) -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: -r requirements/$$name.txt && touch $@ && \
	  echo "installed requirements/$$name.txt in $$(($$(date +%s) - start)) s"
