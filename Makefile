# Every target installs what it needs under $(CACHE), once, with only git, make and python3.
CACHE ?= .cache
PYTHON ?= python3
ARGS ?=
# Programs come from folders that PATH names from the root, never from this one; modules from this checkout and its environment alone (-I).
# Set-up needs the standard library alone (-S). Every module is called with the interpreter: a script in venv/bin names the folder in which it was installed.
empty :=
space := $(empty) $(empty)
export PATH := $(subst $(space),:,$(filter-out $(CURDIR) $(CURDIR)/%,$(filter /%,$(subst :, ,$(PATH)))))
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONUSERBASE
export PYTHONSAFEPATH := 1
PY := $(CACHE)/venv/bin/python
SETUP := $(PYTHON) -I -S tools --cache $(CACHE)
BUILT = $(PY) -I tools --cache $(CACHE)
RUN := $(PY) -I generator --cache $(CACHE)
IN_TESTS := OKD_GITOPS_CACHE=$(abspath $(CACHE)) $(PY) -I
# import-linter puts the working folder first on the path, so it works in generator/.
LAYERS := from importlinter.cli import lint_imports_command as run; run(['--no-cache', '--config', '../pyproject.toml'])
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help generate check diff test test-deep lint bench demo-release demo-ephemeral lab golden figures upstream-facts release lock clean tools packages test-tools

help: ## Show this help
	@echo "Edit clusters/*.yaml, run make generate, then make check:"
	@sed -n 's/^\([a-z-]*\):.*## /  make \1@/p' Makefile | awk -F@ '{printf "%-20s %s\n", $$1, $$2}'

generate: ## Write bases/, overlays/ and argocd/ from clusters/
	@$(SETUP) generate
	@$(RUN) generate $(ARGS)

check: tools ## Check drift, builds, schemas and rules, as CI does
	@$(RUN) check $(ARGS)

diff: tools ## Show what changes on each cluster since HEAD
	@$(RUN) diff $(ARGS)

# Three at a time on two cores: one waits for a program or for the disk.
test: test-tools lint ## Test okd-gitops itself: lint and all tests
	@PATH="$(abspath $(CACHE))/venv/bin:$$PATH" $(IN_TESTS) -m pytest --confcutdir tests -n 3 $(ARGS)

# Nothing else needs them: skopeo, buildah, a registry and gpg of Debian, which are asked for if they are missing; opm, built once; an S3 server.
test-tools: packages ## Set up the real programs that tests of pipelines run
	@$(BUILT) test-tools

# ARGS="--cpu-minutes 30 --points 400 --no-mutants" sets how much, ARGS="--only mutation:refusals" what.
test-deep: test-tools ## Fuzz every reader, kill at many points, test mutants
	@$(SETUP) deep
	@$(IN_TESTS) tests deep $(ARGS)

lint: packages ## Run ruff, mypy and import-linter
	@$(PY) -I -m ruff check --quiet generator tests tools && $(PY) -I -m ruff format --check --quiet generator tests tools
	@$(PY) -I -m mypy --no-error-summary generator tools tests
	@cd generator && $(abspath $(PY)) -I -c "$(LAYERS)" >$(abspath $(CACHE))/import-linter.log || { cat $(abspath $(CACHE))/import-linter.log; exit 1; }
	@echo "lint: clean"

bench: packages tools ## Measure generate and check against the plain tools
	@$(IN_TESTS) tests bench $(ARGS)

demo-release: tools ## Play a whole rollout offline, in a minute
	@$(IN_TESTS) tests demo_release

demo-ephemeral: tools ## Play the life of a cluster for tests offline
	@$(IN_TESTS) tests demo_ephemeral

lab: packages tools ## Try everything that is rendered on a real cluster
	@$(IN_TESTS) tests lab $(ARGS)

golden: packages tools ## Rewrite all texts that tests compare
	@$(IN_TESTS) tests golden

# SOURCE is a clone of a repository that lines.yaml names; ARGS are lines that the table does not have yet.
upstream-facts: packages ## Print what a clone says about OKD's lines
	@$(IN_TESTS) tests upstream_facts "$(SOURCE)" $(ARGS)

figures: packages tools ## Measure the code of the package
	@$(IN_TESTS) tools/figures.py $(ARGS)

release: packages ## Build wheel and sources twice, and try the wheel
	@$(BUILT) release

lock: ## Resolve the Python dependencies again with uv
	@for pair in generate: check:--extra=schemas dev:--extra=dev deep:--extra=deep gate:--extra=gate; do name=$${pair%%:*}; \
	  uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url --python-version 3.11 \
	    $${pair#*:} $$([ $$name = generate ] || echo -c requirements/generate.txt) $$([ $$name != gate ] || echo -c requirements/dev.txt) pyproject.toml -o requirements/$$name.txt; done

clean: ## Remove everything that make installed
	@chmod -R u+w $(CACHE) 2>/dev/null; rm -rf $(CACHE)

# The packages that the tests need. Each step of set-up leaves alone what is there and verified, and waits for another make.
packages:
	@$(SETUP) dev

# What judges a repository: kustomize, kubeconform and the schemas.
tools:
	@$(SETUP) check
	@$(BUILT) judges
