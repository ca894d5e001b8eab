# Everything a target needs (virtual environment, Pulumi engine, sandbox) is made by that target.

STACK ?= sandbox
FORMAT ?= table
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
endif
RUN := .venv/bin/python
PACKAGES := __main__.py platforms.py $(wildcard components coordinator planning policies publisher sandbox tools website)

# Where tools keep what can be made again, for all checkouts of this machine.
CACHE := $(or $(PEACEFULROBOT_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/peacefulrobot-infra)

# Each file of tests runs in one process, so that its tests share what is costly to make.
SIDE_BY_SIDE := --numprocesses auto --dist loadfile --maxprocesses 4
# Many tests wait for clocks and processes; one that failed is run once more, and named RERUN at the end.
ONCE_MORE := --reruns 1 --reruns-delay 2

ifdef CONTENT
export PEACEFULROBOT_CONTENT := $(CONTENT)
endif

ifdef CHECKS
export PEACEFULROBOT_CHECKS := $(CHECKS)
endif

ifdef RELEASE
export PEACEFULROBOT_RELEASE := $(RELEASE)
endif

ifdef ALLOW
export PEACEFULROBOT_ALLOW := $(ALLOW)
endif

MAKEFLAGS += --no-print-directory
# Without byte code on disk, importing the Pulumi SDKs takes ten seconds at every run.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help up preview check preview-comment status releases deployments down clean break heal test test-fast test-engine test-real lint format docs mutate lock bench drill check-tokens push-to-live coordinator status-page alert-test availability cost sync sign-in drift verify lint-ci chaos sbom audit venv

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: venv ## Publish the site [CONTENT=folder or Git URL[#ref]] or an earlier one [RELEASE=r…] [STACK=sandbox] [ALLOW=token of a refusal]; sets everything up first
	@$(RUN) -m tools.deploy up --stack $(STACK)

preview: venv ## Show what `make up` would change, page by page [CONTENT=…] [STACK=…]
	@$(RUN) -m tools.deploy preview --stack $(STACK)

check: venv ## Check the content's links, markup, secrets, limits [CONTENT=…] [FORMAT=json or markdown] [CHECKS=advisory] [STACK=…]
	@$(RUN) -m tools.check --stack $(STACK) --format $(if $(filter table,$(FORMAT)),text,$(FORMAT))

preview-comment: venv ## Write what `make up` would change as a comment, and put it on the merge request in a job of one [STACK=…]
	@$(RUN) -m tools.preview_comment --stack $(STACK)

status: venv ## Show which release is served where [FORMAT=json] [STACK=…]
	@$(RUN) -m tools.deploy status --stack $(STACK) --format $(FORMAT)

deployments: venv ## Show what each platform's own API says of its newest deployment [FORMAT=json] [STACK=…]
	@$(RUN) -m tools.deploy deployments --stack $(STACK) --format $(FORMAT)

releases: venv ## Show which earlier releases can be gone back to [FORMAT=json] [STACK=…]
	@$(RUN) -m tools.deploy releases --stack $(STACK) --format $(FORMAT)

down: venv ## Stop the sandbox
	@$(RUN) -m tools.deploy down

clean: venv ## Stop the sandbox, remove its state and the virtual environment
	@$(RUN) -m tools.deploy clean

break: venv ## Have a local platform fail: PLATFORM=netlify KIND=down
	@$(RUN) -m tools.deploy break '$(PLATFORM)' $(if $(KIND),--kind '$(KIND)')

heal: venv ## End a local platform's failure: PLATFORM=netlify
	@$(RUN) -m tools.deploy heal '$(PLATFORM)'

drift: venv ## Compare what is there with what was declared; changes nothing, ends with 1 if something differs [STACK=…]
	@$(RUN) -m tools.deploy drift --stack $(STACK)

verify: venv ## Ask every platform whether it serves the release of the last `make up` [STACK=…]
	@$(RUN) -m tools.deploy verify --stack $(STACK)

sync: venv ## For pipelines: one job for each stack in DEPLOY_STACKS, and the commit of its content
	@$(RUN) -m tools.ci sync

sign-in: venv ## For pipelines: sign in at AWS and Google by the job's own token
	@$(RUN) -m tools.ci sign-in

test: lint lint-ci test-fast test-engine ## Check the code and run all tests, those with the real engine last

test-fast: venv ## Run the tests that need no engine
	@$(RUN) -m pytest $(SIDE_BY_SIDE) $(ONCE_MORE) -m 'not engine and not long and not real'

test-engine: venv ## Run the tests with the real engine
	@$(RUN) -m tools.engine
	@$(RUN) -m pytest $(SIDE_BY_SIDE) $(ONCE_MORE) -m 'engine and not long and not real'

test-real: venv ## Run the long tests, and those with the official clients; what cannot be had is skipped and named
	@$(RUN) -m tools.ci lint --build
	@$(RUN) -m tools.engine
	@$(RUN) -m pytest $(SIDE_BY_SIDE) $(ONCE_MORE) -m 'long and not real'
	@$(RUN) -m pytest $(ONCE_MORE) -m real

lint: venv ## Check style and types
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy --cache-dir '$(CACHE)/mypy' $(PACKAGES)

lint-ci: venv ## Check the pipelines' files, and look for secrets in the tree and its history [BUILD=yes: builds the linters in Go]
	@$(RUN) -m tools.ci lint $(if $(BUILD),--build)

format: venv ## Bring the code into its format
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

docs: venv ## Write docs/platforms.md, docs/policies.md, docs/availability.md, docs/cost.md and the dashboard anew from code and data
	@$(RUN) -m tools.platforms_page
	@$(RUN) -m tools.policies_page
	@$(RUN) -m tools.availability_page
	@$(RUN) -m tools.cost_page
	@$(RUN) -m coordinator.dashboard

mutate: venv ## Change the code of policies and guards in small ways; ends with 1 where no test notices and nobody explained [AGAIN=yes: what is left] [ONLY=policies.dns.*]
	@$(RUN) -m tools.mutation $(if $(AGAIN),--again) $(if $(ONLY),--only '$(ONLY)') $(if $(CHILDREN),--children '$(CHILDREN)')

lock: venv ## Write the lock files anew from requirements.in and tools/uv.in
	@$(RUN) tools/bootstrap.py lock

check-tokens: venv ## Ask each service until when its token lives and what it may, and compare with delivery.tokens [STACK=…]
	@$(RUN) -m tools.check_tokens --stack $(STACK)

push-to-live: venv ## Push to a repository at each local forge, and print the seconds of each step until it is live everywhere
	@$(RUN) -m tools.push_to_live

coordinator: venv ## Make pushes live, bring platforms back in steps, watch the site, until Ctrl-C [CONTENT=Git URL#branch] [STACK=…]
	@$(RUN) -m coordinator --stack $(STACK)

alert-test: venv ## Send a test message by each alert channel, and say what came of it [STACK=…]
	@$(RUN) -m coordinator.alerts --stack $(STACK)

status-page: venv ## Write the status page as files from what the coordinator has found: OUT=folder [STACK=…]
	@$(RUN) -m coordinator.status_page --stack $(STACK) --out '$(or $(OUT),$(error name a folder: make status-page OUT=…))'

availability: venv ## Say what the stack can be expected to reach, with a chart [STACK=…] [FORMAT=json] [HOSTS=a,b] [EDGE=worker] [FRONTS=2] [YEARS=…] [SEED=…]
	@$(RUN) -m tools.availability --stack $(STACK) --format $(FORMAT) $(if $(HOSTS),--hosts '$(HOSTS)') \
		$(if $(EDGE),--edge '$(EDGE)') $(if $(FRONTS),--fronts '$(FRONTS)') $(if $(YEARS),--years '$(YEARS)') $(if $(SEED),--seed '$(SEED)')

cost: venv ## Say what the stack costs a month, with a chart [STACK=…] [VISITS=…] [PAGE_WEIGHT=kB] [TRAFFIC=GB] [REQUESTS=…] [DEPLOYS=…] [MEASURED=file] [HOSTS=a,b] [EDGE=worker] [FORMAT=json|markdown]
	@$(RUN) -m tools.cost --stack $(STACK) --format $(FORMAT) $(if $(VISITS),--visits '$(VISITS)') \
		$(if $(PAGE_WEIGHT),--page-weight '$(PAGE_WEIGHT)') $(if $(TRAFFIC),--traffic '$(TRAFFIC)') \
		$(if $(REQUESTS),--requests '$(REQUESTS)') $(if $(DEPLOYS),--deploys '$(DEPLOYS)') \
		$(if $(MEASURED),--measured '$(MEASURED)') $(if $(HOSTS),--hosts '$(HOSTS)') $(if $(EDGE),--edge '$(EDGE)')

drill: venv ## Break each platform in turn under load, with both edges, and show what visitors saw [PLATFORM=first] [KIND=error] [EDGE=worker] [SECONDS=60] [RATE=200]
	@$(RUN) -m tools.drill --format $(FORMAT) $(if $(PLATFORM),--platform '$(PLATFORM)') $(if $(KIND),--kind '$(KIND)') \
		$(if $(EDGE),--edge '$(EDGE)') $(if $(SECONDS),--seconds '$(SECONDS)') $(if $(RATE),--rate '$(RATE)')

chaos: venv ## End runs and break calls at every moment, and look what is left [PART=crash] [ONLY=first] [EVERY=20] [FROM=3] [JOBS=2] [MINUTES=30] [SEED=…] [FORMAT=json|markdown]
	@$(RUN) -m tools.engine
	@$(RUN) -m tools.chaos --format $(FORMAT) $(if $(PART),--part '$(PART)') $(if $(ONLY),--only '$(ONLY)') \
		$(if $(EVERY),--every '$(EVERY)') $(if $(FROM),--from '$(FROM)') $(if $(JOBS),--jobs '$(JOBS)') $(if $(MINUTES),--minutes '$(MINUTES)') $(if $(SEED),--seed '$(SEED)')

sbom: venv ## Write a CycloneDX bill of materials of all that is locked [OUTPUT=.sandbox/sbom.json]
	@$(RUN) -m tools.supply_chain sbom $(if $(OUTPUT),--output '$(OUTPUT)')

audit: venv ## Ask whether anything that is locked has a known vulnerability; what could not be asked for is no pass
	@$(RUN) -m tools.supply_chain audit

bench: venv ## Measure our own ways beside other tools, in one run [PART=s3, s3-latency, clients, preview, resources or together] [ROUNDS=3] [SITE=blog] [PEER=rclone] [FILES=1000] [OUT=folder]
	@$(RUN) -m tools.bench --format $(FORMAT) $(PART) $(if $(ROUNDS),--rounds '$(ROUNDS)') $(if $(SITE),--site '$(SITE)') \
		$(if $(PEER),--peer '$(PEER)') $(if $(FILES),--files '$(FILES)') $(if $(OUT),--out '$(OUT)')

venv:
	@test -n '$(PYTHON)' || { echo 'make: Python 3.11 or newer is needed and was not found; install it, or name it: make PYTHON=/path/to/python3.11' >&2; exit 1; }
	@$(PYTHON) tools/bootstrap.py
