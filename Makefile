# The commands of this project; `make help` lists them.
VENV := .venv
PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
BENCH := benchmarks/.venv
BENCH_STAMP := $(BENCH)/.installed
TABLES ?= ../shared/bench
SHOESTRING_DATA ?= $(abspath $(wildcard ../shared/data))
export SHOESTRING_DATA

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick portable cluster check fix calibrate claims curves crash fuzz siege budget bench clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ /' | awk '{name = $$1; $$1 = ""; printf "  make %-10s%s\n", name, $$0}'

setup: $(STAMP)  ## make .venv from constraints.txt

$(STAMP): pyproject.toml constraints.txt
	@echo "setting up $(VENV): a minute or two, once"
	@test -x $(PYTHON) || python3 -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[systems,dev]' 2> $(VENV)/pip.log || { cat $(VENV)/pip.log; exit 1; }
	@touch $@

demo: $(STAMP)  ## a search under a 60-second budget on real images
	@$(VENV)/bin/shoestring search examples/demo.py:train lr=log:1e-3:1@0.1 width=int:log:16:256@64 momentum=0:0.95 \
		--metric accuracy --goal max --budget 60s --horizon 9 --store runs/demo-$$(date +%Y%m%d-%H%M%S)

test: $(STAMP)  ## run the tests
	@OMP_NUM_THREADS=1 $(PYTHON) -m pytest -q -n 2

quick: $(STAMP)  ## run the unit and contract tests but the slow ones
	@OMP_NUM_THREADS=1 $(PYTHON) -m pytest -q -n 2 -m 'not slow' tests/unit tests/contracts

portable: $(STAMP)  ## run the tests that train on the plainest instructions: they must not hang on one processor
	@OMP_NUM_THREADS=1 ATEN_CPU_CAPABILITY=default $(PYTHON) -m pytest -q -n 2 tests/systems tests/known_answers

cluster: $(STAMP)  ## install PostgreSQL if it is missing (apt, as root), and run the tests of servers: none is skipped
	@ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || { apt-get -qq update && \
		DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends postgresql; } > /dev/null
	@OMP_NUM_THREADS=1 CLUSTER=1 $(PYTHON) -m pytest -q -n 2 tests/cluster tests/contracts/test_stores.py \
		'tests/test_docs.py::test_every_block_runs[keep-runs-in-postgresql]'

check: $(STAMP)  ## format, lint and types
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/deptry src

fix: $(STAMP)  ## format and mend what the linter can
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

calibrate: $(STAMP)  ## simulate 10,000 studies a bar and write docs/explanation/calibration.md
	@OMP_NUM_THREADS=1 $(PYTHON) benchmarks/calibrate.py

claims: $(STAMP)  ## check every claim and its control, and keep the verdicts in docs and READMEs
	@OMP_NUM_THREADS=1 $(VENV)/bin/shoestring claims all --controls --store runs/claims
	@$(PYTHON) benchmarks/verdicts.py runs/claims

curves: $(STAMP)  ## train the 400 learning curves that the claims of the hyperband system replay
	@OMP_NUM_THREADS=1 $(PYTHON) benchmarks/systems/hyperband_tabulate.py

crash: $(STAMP)  ## kill, stop and hang up studies of every question 200 times, and compare with undisturbed ones
	@$(PYTHON) benchmarks/siege.py --blows 200 --out benchmarks/siege.json

siege: crash  ## the same

fuzz: $(STAMP)  ## 10,000 wrong calls in Python and 3,000 wrong command lines: each is refused in a sentence
	@OMP_NUM_THREADS=1 $(PYTHON) benchmarks/fuzz.py

budget: $(STAMP)  ## 100 random time budgets over trials that do not want to end
	@$(PYTHON) benchmarks/budget.py --runs 100 --out benchmarks/budget.json

bench: $(BENCH_STAMP)  ## measure against the peers, in an environment of their own
	@$(BENCH)/bin/python benchmarks/search.py $(TABLES)
	@$(BENCH)/bin/python benchmarks/overhead.py

$(BENCH_STAMP): benchmarks/requirements.txt pyproject.toml
	@test -x $(BENCH)/bin/python || python3 -m venv $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt -e . 2> $(BENCH)/pip.log || { cat $(BENCH)/pip.log; exit 1; }
	@touch $@

clean:  ## remove what was built; runs stay
	@rm -rf $(VENV) $(BENCH) .pytest_cache .mypy_cache .ruff_cache .hypothesis
