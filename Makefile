# Needs only Python 3.11 or newer with its venv module, and make. `make help` says what there is.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
JOBS ?= auto

# The last study of `make study`: put your own formula and optimizer here, or on the command line.
FORMULA ?= (w**2-1)**2/4
OPTIMIZER ?= gd:lr=1.46
OUT ?= cfdyn-out
export FORMULA OPTIMIZER OUT

# The first study needs no extra: its figure is there before the rest is installed.
EXTRAS_first :=
EXTRAS_study := data,networks
EXTRAS_bench := data,networks,explore,bench
EXTRAS_docs := data,networks,explore,docs
EXTRAS_test := test
EXTRAS_test-all := test,types,cover,bench,torch,trainers
EXTRAS_test-torch := test,torch,trainers
# An environment that has these extras also serves:
SERVES_study := first
SERVES_bench := first study
SERVES_docs := first study
SERVES_test := first study
SERVES_test-all := first study test test-torch
SERVES_test-torch := first study test

# One process per core is enough: the numerical libraries must not start threads of their own.
PYTEST := MPLBACKEND=Agg OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PY) -m pytest -q
# Files in their order: the many small ones of the package come last, and no process has to wait for a long one.
PARALLEL := -n $(JOBS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help study papers quick test test-all test-torch test-processors bench bench-quick docs lint stubs baselines wheel clean distclean
.NOTPARALLEL:
.PRECIOUS: $(VENV)/.installed-%

help:
	@echo 'make study        study the double well, two real data sets, a network and a formula of yours:'
	@echo '                  make study FORMULA="exp(w) - 2*w" OPTIMIZER=gd:lr=1.2'
	@echo 'make quick        style, layers, types, and the tests of the rooms touched since the last commit: a minute'
	@echo '                  make quick ROOM=certify'
	@echo 'make test         run the tests'
	@echo 'make test-all     run the slow tests too, and measure coverage with the compiler switched off'
	@echo 'make test-torch   run the tests that need PyTorch, Lightning, transformers or W&B: these may take gigabytes'
	@echo 'make test-processors  run the numerical tests with the linear algebra of other processors'
	@echo 'make papers       compute all claims of the literature; a report in $(OUT)/claims'
	@echo 'make bench        run the benchmarks (make bench-quick: a short pass)'
	@echo 'make docs         build the site in docs/_build/html: tutorials, guides, theory, reference; its examples are run'
	@echo 'make lint         check style, types and the layers'
	@echo 'make stubs        write the names for type checkers anew, after a public name came or went'
	@echo 'make baselines    draw the pictures anew that figures are held against: look at what changed in them'
	@echo 'make wheel        build dist/cfdyn-….whl, which carries the machine code that a first run needs'
	@echo 'make clean        remove caches and build outputs (make distclean: .venv too)'
	@echo 'Each makes the environment .venv when there is none. PYTHON=... names another interpreter.'

study: $(VENV)/.installed-first
	@$(VENV)/bin/cfdyn study double_well --out "$$OUT"
	@$(MAKE) --no-print-directory $(VENV)/.installed-study
	@$(VENV)/bin/cfdyn study breast_cancer:features=1 --out "$$OUT"
	@$(VENV)/bin/cfdyn study breast_cancer:features=2 --out "$$OUT"
	@$(VENV)/bin/cfdyn study "$$FORMULA" --optimizer "$$OPTIMIZER" --out "$$OUT"
	@run=$$(mktemp -d "$$OUT/train-XXXXXX") && $(VENV)/bin/cfdyn train mlp:widths=32-32 --data digits:classes=4,n=500 \
	  --optimizer gd:lr=0.75 --steps 900 --out "$$run"
	@$(VENV)/bin/cfdyn claims --source thread2025 --within 5

papers: $(VENV)/.installed-study
	@$(VENV)/bin/cfdyn claims --report "$$OUT/claims"
	@$(PY) -m tests.pages "$$OUT/claims"
	@$(PY) -m tests.certificates

# What an assertion compared is found out for those that fail alone: to prepare it in all files takes longer than any of them.
test: $(VENV)/.installed-test
	@$(PYTEST) $(PARALLEL) --assert=plain || { status=$$?; [ $$status != 1 ] || $(PYTEST) --last-failed; exit $$status; }

quick: $(VENV)/.installed-test
	@MPLBACKEND=Agg OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(PY) -m tests.quick $(ROOM)

test-all: $(VENV)/.installed-test-all
	@$(PYTEST) $(PARALLEL) -m ''
	@NUMBA_DISABLE_JIT=1 $(PYTEST) $(PARALLEL) --cov --cov-report=term

# All files with a test that is skipped where torch is missing.
test-torch: $(VENV)/.installed-test-torch
	@$(PYTEST) $(PARALLEL) $$(grep -rl --include='test_*.py' 'importorskip("torch"' tests)

# One after the other; what is not to be had on this processor is named at the end.
test-processors: $(VENV)/.installed-test
	@$(PY) -m tests.processors $(PARALLEL)

bench: $(VENV)/.installed-bench
	@$(PY) benchmarks/run.py

bench-quick: $(VENV)/.installed-bench
	@$(PY) benchmarks/run.py --quick

docs: $(VENV)/.installed-docs
	@MPLBACKEND=Agg $(PY) -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo 'docs/_build/html/index.html'

lint: $(VENV)/.installed-test
	@$(PY) -m ruff check
	@$(PY) -m mypy
	@$(VENV)/bin/lint-imports

stubs: $(VENV)/.installed-test
	@$(PY) -m tests.stubs

baselines: $(VENV)/.installed-test
	@$(PY) -m tests.plotting.pictures

wheel: $(VENV)/.installed-test
	@$(PY) -m tests.wheel dist

clean:
	@rm -rf build dist docs/_build cfdyn.egg-info htmlcov .coverage .coverage.*
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

distclean: clean
	@rm -rf $(VENV)

# The environment. `.created` holds the folder it was made for; `.incomplete` is there while something is being
# installed, so that an interrupted installation is recognised and started over. An environment that was moved or
# whose interpreter is gone loses its stamps here.
_ := $(shell { [ "$$(cat $(VENV)/.created)" = '$(CURDIR)' ] && [ ! -e $(VENV)/.incomplete ] && $(PY) -c ''; } \
       2>/dev/null || rm -f $(VENV)/.created $(VENV)/.installed-*)

$(VENV)/.created:
	@command -v '$(PYTHON)' >/dev/null || { \
	  echo "cfdyn needs Python 3.11 or newer, and '$(PYTHON)' was not found: name one with make PYTHON=/path/to/python3" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "cfdyn needs Python 3.11 or newer, and '$(PYTHON)' is $$('$(PYTHON)' --version 2>&1): name another with make PYTHON=/path/to/python3" >&2; exit 1; }
	@'$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' lacks its venv module: install it (on Debian and Ubuntu: the package python3-venv) and call make again" >&2; exit 1; }
	@if [ -e $(VENV)/.incomplete ] || ! $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	    || ! $(PY) -m pip --version >/dev/null 2>&1; then \
	  echo 'Creating $(VENV)' && '$(PYTHON)' -m venv --clear --without-pip $(VENV) && touch $(VENV)/.incomplete && \
	  $(PY) -m ensurepip --default-pip >/dev/null && rm $(VENV)/.incomplete; fi
	@echo '$(CURDIR)' > $@

# pip compiles on one processor, and the tests of all packages too.
$(VENV)/.installed-%: $(VENV)/.created setup.cfg pyproject.toml constraints.txt
	@echo 'Installing cfdyn$(EXTRAS_$*:%=[%]) into $(VENV) (a few minutes the first time)'
	@touch $(VENV)/.incomplete
	@$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --no-compile --editable '.$(EXTRAS_$*:%=[%])' || { rm -f $(VENV)/.incomplete; exit 1; }
	@$(PY) -m compileall -q -j 0 cfdyn papers
	@$(PY) -m compileall -q -q -j 0 -x '/tests/' $(VENV)/lib || true
	@touch $(foreach name,$* $(SERVES_$*),$(VENV)/.installed-$(name))
	@rm $(VENV)/.incomplete
