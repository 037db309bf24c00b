# The one entry point, for people and CI. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

setup := tests/parts/setup.sh
# Where packages could not be installed, setup leaves the paths of what it unpacked in .tools/env.
env := if [ -f .tools/env ]; then . .tools/env; fi;
# The test vectors; conformance and the tests say so where they are absent.
CASES ?= ../shared/conformance
# How long `make fuzz` runs each target.
SECONDS ?= 60
# The scenario that `make e2e` runs; all where empty.
SCENARIO ?=

.PHONY: help run build test e2e lint conformance parts fuzz bench image

help: ## List the targets.
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Build, then show the provider at work on sample images (ARGS=--once ends by itself).
	@$(setup) build
	@$(env) cargo run --locked -- demo $(ARGS)

build: ## Build the debug binary: target/debug/hallmark.
	@$(setup) build
	@$(env) cargo build --locked

test: ## Set up the real parts, then run every test.
	@$(setup) build parts
	@$(env) HALLMARK_PARTS="$(CURDIR)/.tools/bin" cargo test --locked --no-fail-fast

e2e: ## The real cluster: every scenario, or SCENARIO=name.
	@$(setup) build parts
	@$(env) HALLMARK_PARTS="$(CURDIR)/.tools/bin" SCENARIO="$(SCENARIO)" cargo test --locked --test e2e

lint: ## Formatting, clippy with warnings as errors, licences, bans, sources, advisories.
	@$(setup) build lint
	@$(env) cargo fmt --check
	@$(env) cargo clippy --locked --all-targets -- -D warnings
	@tests/parts/deny.sh

conformance: ## Run the vectors below CASES=DIR.
	@$(setup) build
	@$(env) CASES="$(CASES)" cargo test --locked --quiet --test conformance

parts: ## Only set up the real parts, for a bare `cargo test`.
	@$(setup) parts

fuzz: ## Fuzz every parser of foreign bytes for SECONDS=60 each.
	@$(setup) build
	@$(env) tests/fuzz/run.sh "$(SECONDS)"

bench: ## What an image costs cold and cached, in CPU, requests, latency and memory (IMAGES=1000).
	@$(setup) build
	@$(env) cargo bench --locked --bench load

image: ## Build the container image (needs Docker or a program that answers to its name).
	docker build --tag hallmark:dev .
