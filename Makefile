# Every target sets up what it needs under $(CACHE), once, with git, make and python3 alone.
CACHE ?= .cache
PYTHON ?= python3
VENV := $(CACHE)/venv
PY := $(VENV)/bin/python
RUN = PYTHONPATH=generator $(PY) -m okd_gitops --cache $(CACHE)
ARGS ?=
.DEFAULT_GOAL := help
.PHONY: help generate check diff test lint bench golden lock clean

help: ## Show this help
	@echo "okd-gitops: edit clusters/*.yaml, then make generate, then make check"
	@sed -n 's/^\([a-z]*\):.*## /  make \1@/p' $(MAKEFILE_LIST) | awk -F@ '{printf "%-18s %s\n", $$1, $$2}'

generate: $(VENV)/.generate ## Write bases/, overlays/ and argocd/ from clusters/ (needs Python only)
	@$(RUN) generate $(ARGS)

check: $(VENV)/.check tools ## Check drift, builds, schemas and rules
	@$(RUN) check $(ARGS)

diff: $(VENV)/.check tools ## Show what changes on each cluster since HEAD, rendered
	@$(RUN) diff $(ARGS)

test: $(VENV)/.dev tools lint ## Run lint and every test
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) -m pytest -n 2 $(ARGS)

lint: $(VENV)/.dev ## Run ruff, mypy and import-linter
	@$(VENV)/bin/ruff check --quiet generator tests tools && $(VENV)/bin/ruff format --check --quiet generator tests tools
	@$(VENV)/bin/mypy --no-error-summary generator tools tests
	@PYTHONPATH=generator $(VENV)/bin/lint-imports --no-cache >$(CACHE)/import-linter.log || { cat $(CACHE)/import-linter.log; exit 1; }
	@echo "lint: clean"

bench: $(VENV)/.dev tools ## Measure generate and check beside a loop of the plain tools
	@PYTHONPATH=generator OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) tests/bench.py $(ARGS)

golden: $(VENV)/.dev ## Rewrite the golden folders of the tests; review the diff
	@PYTHONPATH=generator OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) tests/golden.py

lock: ## Resolve the Python dependencies again (needs uv)
	@for pair in generate: check:--extra=schemas dev:--extra=dev; do name=$${pair%%:*}; \
	  uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --python-version 3.11 \
	    $${pair#*:} $$([ $$name = generate ] || echo -c requirements/generate.txt) pyproject.toml -o requirements/$$name.txt; done

clean: ## Remove everything that make set up
	@chmod -R u+w $(CACHE) 2>/dev/null; rm -rf $(CACHE)

.PHONY: tools
tools: $(VENV)/.check
	@$(PY) tools/setup.py --cache $(CACHE)

# A stamp is made anew when its lock file changes; the hashes in the lock file are what pip checks.
$(VENV)/.%: requirements/%.txt
	@test -x $(PY) || { echo "setting up Python packages in $(VENV) (once, about 15 s)"; $(PYTHON) -m venv $(VENV); }
	@start=$$(date +%s); echo "installing requirements/$*.txt"; \
	  $(PY) -m pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: -r $< && touch $@ && \
	  echo "installed in $$(($$(date +%s) - start)) s"
