# shimtool's targets; `make help` lists them. As root on Debian they install what they need.
SHELL := /bin/sh
# Byte code is cached: most of the tests run the command line as a process of its own.
unexport PYTHONDONTWRITEBYTECODE
PYTHON ?= python3
SHIM ?=
SIGN ?=
OFFER ?=
EXAMPLES ?= 100000
SEED ?= 2018
export SIGN OFFER
VENV := .venv
ASSETS := build/assets
CONTEXT := build/image/context
RUN := $(VENV)/bin/python
PYTEST := $(RUN) -m pytest
REQUIRE := container/apt-require

SCRIPTS := container/apt-require container/collect-assets container/device-model/shimtool-dm \
	container/deb/make-deb container/dom0/kernel-hook container/dom0/status-mail \
	container/make-man container/make-wheel \
	container/prestage/build container/pvgrub/guest/build \
	container/image/build container/image/ci/shimtool container/image/update-lock \
	container/image/make-base container/image/make-context container/image/make-dist \
	container/image/sign-dist \
	container/launcher/archive.sh container/launcher/engines.sh container/launcher/shimtool .ci/release .ci/run

# Most of plan, configs and output; without what tries large hostile inputs.
QUICK := tests/cli/test_help.py tests/cli/test_options.py tests/configs tests/dom0 tests/output tests/plan tests/system \
	tests/docs tests/test_layers.py -k 'not hostile and not hundred_thousand'

# Debian packages, by what needs them
FOR_ASSETS := gcc
FOR_TESTS := bash btrfs-progs busybox dash e2fsprogs faketime fdisk gcc groff-base grub-common libc6-dev \
	libvirt-clients libxml2-utils lvm2 mksh mount pandoc patch qemu-utils rpm shellcheck strace systemd \
	xfsprogs xorriso
FOR_BOOT := qemu-system-x86
FOR_E2E := e2fsprogs fdisk grub-common mmdebstrap qemu-system-x86 util-linux
FOR_IMAGE := binutils git openssl xz-utils
FOR_MAN := pandoc
FOR_APPLIANCE := ansible-core bash buildah busybox dash docker.io e2fsprogs fdisk fish mount openssl podman procps \
	runc shellcheck uidmap util-linux xorriso zsh

.DEFAULT_GOAL := help
.PHONY: FORCE appliance-test bench deb dist fuzz image help man rows venv assets demo lint check unit boot-test e2e e2e-ci e2e-matrix test wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.done ## Python environment with shimtool and its tools
$(VENV)/.done: pyproject.toml
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(REQUIRE) python3-venv
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

assets: venv ## Boot-loader parts, PV GRUB and shims from Debian packages (SHIM=FILE: that one, until SHIM=debian)
	@$(REQUIRE) $(FOR_ASSETS)
	@PYTHON=$(RUN) container/collect-assets $(ASSETS) $(SHIM)

demo: assets ## The main job, from nothing, on real input
	@$(RUN) -m tests.demo

lint: venv ## Style and types
	@$(REQUIRE) shellcheck
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	shellcheck -x $(SCRIPTS)

check: lint assets ## Lint, types and quick tests (a minute)
	@$(REQUIRE) $(FOR_TESTS)
	$(PYTEST) -q -n 2 $(QUICK)

unit: assets ## Everything that boots nothing
	@$(REQUIRE) $(FOR_TESTS) $(FOR_BOOT)
	$(PYTEST) -n 2 --dist loadgroup -m 'not appliance and not boot and not e2e'

fuzz: assets ## Damaged inputs for every reader, and what each took (EXAMPLES=100000, SEED=2018)
	@$(REQUIRE) $(FOR_TESTS) $(FOR_BOOT)
	rm -f build/fuzz.tally
	SHIMTOOL_EXAMPLES=$(EXAMPLES) SHIMTOOL_SEED=$(SEED) SHIMTOOL_TALLY=$(CURDIR)/build/fuzz.tally \
		$(PYTEST) -q tests/faults -k fuzz
	@$(RUN) -m tests.faults.fuzzing build/fuzz.tally

boot-test: assets ## Boot ISOs under plain QEMU until the shim reports
	@$(REQUIRE) $(FOR_TESTS) $(FOR_BOOT)
	$(PYTEST) -m boot

e2e: dist ## Boot converted guests on a real Xen, nested in QEMU
	@$(REQUIRE) $(FOR_E2E)
	$(PYTEST) tests/e2e -m e2e --e2e=all -n 2

e2e-ci: dist ## The part of e2e that CI runs
	@$(REQUIRE) $(FOR_E2E)
	$(PYTEST) tests/e2e -m e2e --e2e=ci -n 2

e2e-matrix: assets ## One guest on every host with every shim: Xen 4.14, 4.17, 4.20
	@$(REQUIRE) $(FOR_E2E)
	$(PYTEST) tests/e2e -m e2e --e2e=matrix -n 2

$(CONTEXT): FORCE assets
	@$(REQUIRE) $(FOR_IMAGE)
	@PYTHON=$(RUN) container/image/make-context $@ $(ASSETS)

$(CONTEXT).appliance $(CONTEXT).ci: $(CONTEXT)
	@container/image/build $(CONTEXT) $(subst .,,$(suffix $@))

image: $(CONTEXT).appliance $(CONTEXT).ci ## Container images (ENGINE=, BASE_IMAGE=, SHIM= choose)

man: ## The manual as pages for man, in build/man
	@$(REQUIRE) $(FOR_MAN)
	@container/make-man build/man

wheel: venv ## A wheel for pip and pipx, in build/wheel; it wants SHIMTOOL_ASSETS, which make assets fills
	@PYTHON=$(RUN) container/make-wheel build/wheel

dist: $(CONTEXT).appliance ## The image as a tarball with launcher, for dom0s without network (SIGN=KEY signs it)
	@$(REQUIRE) $(FOR_MAN)
	@PYTHON=$(RUN) container/image/make-dist $(CONTEXT) build/dist

deb: dist ## A Debian package of the launcher and the image for dom0, in build/deb
	@PYTHON=$(RUN) container/deb/make-deb build/dist build/deb

appliance-test: image dist ## Run the image under docker, podman and neither
	@$(REQUIRE) $(FOR_APPLIANCE)
	$(PYTEST) -m appliance

rows: venv ## JSON of the package's YAML files, after they were edited
	@$(RUN) -m tests.support.compiled_rows

bench: assets ## What it costs, against cp, xorriso, grub-mkrescue and the layout of 2018 (PART=, README=1)
	@$(REQUIRE) $(FOR_E2E) xorriso mtools grub-pc-bin
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@$(RUN) -m tests.bench $(PART) $(if $(README),--readme)

test: lint unit boot-test e2e-ci appliance-test ## All that CI runs, from nothing

clean: ## Remove everything that was made
	rm -rf build $(VENV) .hypothesis .mypy_cache .pytest_cache .ruff_cache
