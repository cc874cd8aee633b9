# Everything a person types. All set-up is done by .ci/install, which does nothing when nothing changed.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
CPUS := $(shell nproc 2>/dev/null || echo 2)

# No thread pool larger than the machine, no call to the outside, no questions.
export OMP_NUM_THREADS ?= $(CPUS)
export TOKENIZERS_PARALLELISM = false
export VLLM_NO_USAGE_STATS = 1
export DO_NOT_TRACK = 1

.PHONY: help install languages demo check test bench docs lock sbom audit clean

help:  ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install:  ## Make .venv with everything, and install missing system packages where that is possible
	@.ci/install

languages: install  ## Install every language's toolchain (Debian, root)
	@$(PY) -m posttrain.cli doctor --install languages
	@$(PY) -m posttrain.cli doctor --group languages

demo: install  ## The whole flow on the pocket model: seeds to a better model, about 10 minutes on 2 cores
	@$(PY) -m posttrain.cli run recipes/quickstart.yaml

check: install  ## Format, lint, types
	@.ci/check

test: install  ## All tests, in two processes; those of one file share one
	@HF_HUB_OFFLINE=1 $(PY) -m pytest -rs -n 2 --dist loadfile

bench: install  ## All benchmarks, with their tables
	@set -e; for bench in benchmarks/*/__main__.py; do $(PY) -m "benchmarks.$$(basename "$$(dirname "$$bench")")"; done
	@$(PY) -m benchmarks.startup

docs: install  ## Write the generated pages again
	@$(PY) -m posttrain.cli docs-recipes --output docs/recipes.md
	@$(PY) -m tests.structure.decision_index
	@$(PY) -m tests.structure.dependency_page

lock: install  ## Resolve the locked requirements again (needs the package index)
	@.ci/lock

sbom: install  ## Write build/sbom.json: what is installed, as CycloneDX
	@.ci/sbom

audit: install  ## Ask the advisory database about every locked package
	@.ci/audit

clean:  ## Remove what make made, but never a run
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
