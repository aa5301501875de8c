# make alone lists the verbs. Each is one line here; what takes more is a script of the same name in scripts/.
.DEFAULT_GOAL := help
.PHONY: help deps build release images run test install uninstall deb lint fmt bench fuzz clean
SHELL := /bin/bash

BIN := .build/bin
SWIFT_SOURCES := Package.swift Sources Tests Fuzz
export DESTDIR PREFIX SYSCONFDIR UNITDIR ZSHDIR FORCE

help: ## List the verbs
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /\1\t/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

deps: ## Install what building needs and isn't there (Debian packages; needs root or sudo)
	@scripts/deps build

build: deps ## Build everything for development
	swift build

release: deps ## Build the two programs that ship into .build/bin; ARCH=arm64: the helper for another processor, into .build/arm64/bin
	@scripts/release $(if $(ARCH),.build/$(ARCH)/bin $(ARCH),$(BIN))

images: release ## Build the two container images with podman, without a network (IMAGE_PREFIX, SOURCE_DATE_EPOCH)
	@scripts/deps images
	@scripts/images $(BIN)

run: ## Start the real helper and controller; simulated zones where there is no RAPL
	@scripts/run $(BIN)

test: release ## Run every test of the project
	@scripts/deps test
	@scripts/test $(BIN)

install: ## Install what `make release` built (DESTDIR, PREFIX=/usr/local, SYSCONFDIR=/etc); nothing is started
	@scripts/install $(BIN)

uninstall: ## Restore the limits and take away what was installed (DESTDIR, PREFIX, SYSCONFDIR; FORCE=1)
	@scripts/uninstall

deb: release ## Make a Debian package in .build/bin
	@scripts/deps package
	@scripts/deb $(BIN)

lint: ## Check the formatting
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

fmt: ## Format the sources
	swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

bench: release ## Measure what is promised, for docs/performance.md and README.md; CHECK=1 fails where a size or a ratio has grown
	@scripts/deps bench
	@Benchmarks/run --helper $(BIN)/raplhelper --helper-symbols $(BIN)/raplhelper.symbols --controller $(BIN)/powercap-controller \
		$(if $(filter-out 0,$(CHECK)),--check)

fuzz: deps ## Fuzz what reads strangers' bytes, a minute each
	@Fuzz/run 60

clean: ## Remove everything that was built
	rm -rf .build
