# The commands of this repository. Each does its own set-up; see tools/.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo test lint bench cluster corpus docs envtest setup lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## The main job on real parts, in a temporary folder
	@tools/setup demo
	@.venv/bin/sealbridge demo

test: ## Everything that CI runs; arguments for pytest in ARGS
	@tools/setup dev
	@tools/lint
	@tools/test $(ARGS)

lint: ## Format, lint, types, layers
	@tools/setup dev
	@tools/lint

bench: ## Measure, and write docs/benchmarks.md
	@tools/setup dev
	@tools/envtest >/dev/null
	@.venv/bin/python -m benchmarks $(ARGS)

cluster: ## A local API server with the operator, until Ctrl-C
	@tools/setup dev
	@tools/envtest >/dev/null
	@.venv/bin/python -m tests.servers.cluster

envtest: ## Print the folder with etcd and kube-apiserver, building them when missing
	@tools/envtest

corpus: ## Write the stored outputs of the template corpus, with Go
	@tools/setup dev
	@.venv/bin/python -m tests.interop.templates.record

docs: ## Write the generated parts of the documents
	@tools/setup dev
	@.venv/bin/python -m tests.docs.template_reference

setup: ## Make .venv ready to work in
	@tools/setup dev

lock: ## Compile locks/ from pyproject.toml; ARGS=--upgrade for newer versions
	@tools/lock $(ARGS)

clean: ## Remove what the commands made in this checkout
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	rm -rf tests/interop/node/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
