PYTHON_RUN = $(or $(VETHLAB_VENV),.venv)/bin/python
ARGS =
LAB_IP = 127.0.0.1
SECONDS = 300

help: ## show this list
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' Makefile | expand -t 18

demo: setup ## set up what is missing, then play the bridge scenario
	@$(PYTHON_RUN) -m vethlab_sh demo bridge $(ARGS)

test: setup-tests ## set up what is missing, then run every check and test (ARGS="..." goes to pytest)
	@$(PYTHON_RUN) -m ruff check --quiet
	@$(PYTHON_RUN) -m ruff format --quiet --check
	@$(PYTHON_RUN) -m mypy --strict --no-error-summary vethlab_sh/
	@$(PYTHON_RUN) -m pytest -n 4 --dist loadfile --no-loadscope-reorder $(ARGS)

check: setup-tests ## lint, types, and the tests that need no lab: two minutes (ARGS="..." goes to pytest)
	@$(PYTHON_RUN) -m ruff check --quiet
	@$(PYTHON_RUN) -m ruff format --quiet --check
	@$(PYTHON_RUN) -m mypy --strict --no-error-summary vethlab_sh/
	@$(PYTHON_RUN) -m pytest -n 4 --dist loadfile -m "not live or no_lab" $(ARGS)

lab: setup ## open your own copy of the lessons (lessons/) in JupyterLab, for this machine only, with its token
	@$(PYTHON_RUN) -m vethlab_sh lab --ip=$(LAB_IP) -- $(ARGS)

pictures: setup ## draw the pages' pictures anew
	@mkdir -p docs/pictures
	@for name in direct bridge flannel calico; do $(PYTHON_RUN) -m vethlab_sh draw $$name --png docs/pictures/$$name.png; done
	@$(PYTHON_RUN) -m vethlab_sh draw ovs --replay --png docs/pictures/ovs.png >/dev/null 2>&1
	@$(PYTHON_RUN) -m vethlab_sh walk flannel pod-a pod-c --png docs/pictures/walk.png >/dev/null

kinds: setup-tests ## write docs/kinds.md, and draw its pictures
	@$(PYTHON_RUN) tests/kinds

notebooks: setup ## run the solved lessons anew and make the learners' copies from them (ARGS=2_bridge for one)
	@$(PYTHON_RUN) notebooks/make.py --run $(ARGS)

recordings: setup ## play every scenario once and keep what it showed, for --replay (ARGS=direct for one)
	@$(PYTHON_RUN) -c 'import sys; from vethlab_sh.keep.recorder import record_all; record_all(*sys.argv[1:])' $(ARGS)

quiz: setup ## write docs/quiz.md from notebooks/quiz.toml
	@$(PYTHON_RUN) -m vethlab_sh quiz --reasons > docs/quiz.md

book: setup-book ## build the site of all this in book/_build/html, in English and Chinese, offline; a warning is an error
	@$(PYTHON_RUN) book/make.py $(ARGS)

catalogue: setup-tests ## bring the catalogues of other languages up to date, and count (ARGS=--missing lists)
	@$(PYTHON_RUN) tests/tools/catalogue.py $(ARGS)

doctor: setup ## tell whether this machine can run the labs, and what is missing
	@$(PYTHON_RUN) -m vethlab_sh doctor

setup: ## set up what the demos and the lessons need
	@./setup.sh

setup-tests:
	@./setup.sh tests

setup-book:
	@./setup.sh book

test-browser: ## do the lessons in a real browser (chromium); screenshots in tests/screenshots
	@./setup.sh browser
	@$(PYTHON_RUN) -m pytest tests/tools/browser.py tests/tools/screens.py $(ARGS)

test-book: setup-book ## build the site, and look at it in a real browser; screenshots in tests/screenshots
	@./setup.sh browser
	@$(PYTHON_RUN) -m pytest tests/tools/book.py $(ARGS)

test-lessons: ## do each lesson there whole, right and wrong and blank, and look at it in three widths; half an hour
	@./setup.sh browser
	@nice $(PYTHON_RUN) -m pytest tests/tools/lessons.py $(ARGS)

test-fronts: ## one lesson in Notebook 7, nbclassic, voila, papermill, nbconvert, IPython, and without any controls
	@VETHLAB_VENV=$(CURDIR)/.venv-fronts ./setup.sh fronts
	@nice .venv-fronts/bin/python -m pytest tests/tools/fronts.py $(ARGS)

test-exercises: setup-tests ## do the exercises of the long lessons by half, otherwise, and wrong again; the lesson on Open vSwitch whole
	@nice $(PYTHON_RUN) -m pytest tests/tools/long_lessons.py $(ARGS)

test-all: setup-tests ## run the tests on every Python from 3.11 on, with the newest and the oldest packages (ARGS="tests/test_cli.py" for less)
	@./setup.sh all
	@tests/tools/all_versions $(ARGS)

test-tools: setup-tests ## run the tests with the programs of older and newer Debian releases (ARGS="tests/test_check.py" for less)
	@./setup.sh tools
	@tests/tools/all_tools $(ARGS)

test-kinds: setup-tests ## play networks of devices that this kernel lacks in user-mode Linux; two minutes (ARGS="-k bond" for less)
	@./setup.sh tools
	@tests/tools/uml/run $(ARGS)

test-uml: setup-tests ## play labs in this release's user-mode Linux, each a kernel of its own (ARGS="-k session" for less)
	@nice tests/tools/uml/run labs $(ARGS)

test-container: setup-tests ## start containers as Docker and Podman do, by runc, and play every scenario there; as root (ARGS="-k podman")
	@nice tests/tools/container/run $(ARGS)

faults-elsewhere: setup-tests ## plant the faults of such devices there, and keep the answers for the pages; ten minutes
	@./setup.sh tools
	@tests/tools/uml/run faults --json tests/faults/elsewhere.json $(ARGS)

chaos: setup-tests ## let everything go wrong at every step of every scenario; half an hour (ARGS="tool run-full" for less)
	@$(PYTHON_RUN) tests/tools/chaos.py $(ARGS)

attack: setup-tests ## try a hundred and seventy attacks on grade, as root also as an ordinary user; a quarter of an hour (ARGS=--pages writes docs/safety.md)
	@nice $(PYTHON_RUN) tests/attacks $(ARGS)

faults: setup-tests ## plant every fault: does the verdict name the cause, and does its fix mend? A quarter of an hour (ARGS="-v ID ...")
	@nice $(PYTHON_RUN) tests/faults $(ARGS)

causes: setup-tests ## plant every fault, and write docs/causes.md and the sums in docs/walks.md (ARGS="--read RUN.json" plays nothing)
	@nice $(PYTHON_RUN) tests/faults --pages $(ARGS)

fuzz: ## search texts that break a parser's promise, for SECONDS (300); finds are kept in tests/fixtures/finds
	@./setup.sh fuzz
	@$(PYTHON_RUN) tests/tools/fuzz.py $(SECONDS) $(ARGS)

test-class: ## grade with nbgrader, and let ten learners in on a JupyterHub; as root, it makes users and removes them
	@VETHLAB_VENV=$(CURDIR)/.venv-class ./setup.sh tests
	@VETHLAB_VENV=$(CURDIR)/.venv-class ./setup.sh class
	@.venv-class/bin/python -m pytest -rP tests/tools/classroom.py $(ARGS)

bench: ## measure it beside bash, ip -batch, pyroute2 and Mininet (ARGS=--quick for a look)
	@./setup.sh bench
	@$(PYTHON_RUN) tests/tools/benchmarks $(ARGS)

test-vm: ## check the virtual machine and its box: as root, on Debian, an hour without hardware help (ARGS="validate fresh" for less)
	@tests/vm/run $(ARGS)

box: ## build the virtual machine's box, on Debian or Ubuntu, without root where that can be had (DATE=2026-11-26)
	@vm/build

box-packages: ## fetch today's packages for it, so that `make box` needs no network
	@vm/build packages

vm: ## run the box by plain QEMU, without Vagrant: JupyterLab on 127.0.0.1:8888 (VETHLAB_PORT)
	@vm/run $(ARGS)

clean: ## remove .venv and the caches
	rm -rf book/_build .venv .venvs .venv-class .venv-fronts .tools .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +

.PHONY: help demo test check bench book setup-book test-book test-browser test-lessons test-fronts test-exercises test-class test-all test-tools chaos attack faults faults-elsewhere causes fuzz test-vm test-kinds test-uml test-container box box-packages vm lab pictures kinds notebooks recordings quiz catalogue doctor setup setup-tests clean
