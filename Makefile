# Every target prepares .venv by itself; nothing but Python 3.11+, make and a C library is needed.
PYTHON ?= python3
# GPU=1 lets pip take torch's CUDA build. Without it, a CUDA build is refused (see constraints.txt).
GPU ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready$(if $(GPU),-gpu)

.DEFAULT_GOAL := help
.PHONY: help install demo run test test-fast check lint fmt type compliance chaos eval bench docs up down clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY)  ## prepare .venv from pyproject.toml and constraints.txt (GPU=1: with CUDA)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	  echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13. Name another: make PYTHON=/path/to/python3.11"; exit 1; }
	@if [ ! -x $(BIN)/pip ] || [ -n "$$(find $(VENV) -maxdepth 1 -name '.ready*' ! -path $(READY))" ]; then \
	  $(PYTHON) -m venv --clear $(VENV) || { echo "No virtual environment: install Python's venv module (Debian: python3-venv)."; exit 1; }; fi
	@echo "Preparing $(VENV): about 2 GB and a few minutes the first time."
	@rm -f $(READY)
	@sed '$(if $(GPU),/# CUDA$$/d)' constraints.txt > $(VENV)/constraints.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check -c $(VENV)/constraints.txt -e '.[dev]' || { \
	  echo; \
	  echo "The packages could not be installed: pip says why above. If it names cuda-toolkit, triton or an nvidia package, it was"; \
	  echo "offered only torch's CUDA build. Point pip's extra index at PyTorch's CPU wheels (PIP_EXTRA_INDEX_URL; the README"; \
	  echo "says how), or take the CUDA build, several GB larger: make GPU=1 $(MAKECMDGOALS)"; \
	  exit 1; }
	@touch $(READY)

demo: $(READY)  ## ingest the sample channel on this machine, ask it five questions, stop
	.ci/isolated $(BIN)/python -m demo

run: $(READY)  ## run the bot: on Discord with DISCORD_TOKEN, else as a console
	$(BIN)/python -m bot

test: check  ## lint, types, compliance and every test, with coverage
	.ci/isolated $(BIN)/python -m pytest --cov --cov-report=term

test-fast: $(READY)  ## every test that needs neither Ray nor a neural network, in under a minute
	.ci/isolated $(BIN)/python -m pytest -q -n 2 -m 'not cluster and not model'

check: lint type compliance  ## everything that reads the code without running the product

lint: $(READY)  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fmt: $(READY)  ## ruff: mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(READY)  ## mypy --strict over the whole tree
	$(BIN)/mypy

compliance: $(READY)  ## import contracts and house rules, each proved able to fail
	$(BIN)/python -m pytest -q tests/compliance

chaos: $(READY)  ## kill shards, workers and posters under load, on SQLite and on PostgreSQL; about twenty minutes
	.ci/isolated $(BIN)/python -m tests.chaos --kills 200
	.ci/isolated $(BIN)/python -m tests.chaos --kills 60 --postgres
	.ci/isolated $(BIN)/python -m tests.chaos.ingest_run --videos 100 --kills 100

eval: $(READY)  ## every eval beside its floors; make eval NAME=captions DATA=folder measures one on other data
	$(BIN)/python -m evals $(if $(DATA),$(NAME) --data "$(DATA)",floors $(if $(NAME),--only $(NAME)) $(if $(PLANT),--plant $(PLANT)))

bench: $(READY)  ## measure speed and memory: make bench NAME=embeddings
	@[ -n "$(NAME)" ] || { echo "usage: make bench NAME=name, which runs"; $(BIN)/python -m evals.bench; exit 2; }
	.ci/isolated $(BIN)/python -m evals.bench $(NAME)

docs: $(READY)  ## write again what is generated: .env.example
	$(BIN)/python -m config > .env.example.new && mv .env.example.new .env.example

up: $(READY)  ## start the cluster of cluster.yaml
	$(BIN)/ray up cluster.yaml

down: $(READY)  ## stop the cluster of cluster.yaml
	$(BIN)/ray down cluster.yaml

clean:  ## remove .venv and caches (not var/, which holds the bot's data)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage* *.egg-info
