# Everything starts from a bare python3 and make; `make help` lists what there is.
PYTHON ?= python3
BIN := .venv/bin
# uv has certificates of its own, which lack a private CA; pip uses those of the system.
export UV_SYSTEM_CERTS ?= 1
# Tests and the demo start many processes. Without bytecode each of them compiles every module again, which takes three times as long as the rest of its start.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := $(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --custom-compile-command "make lock"
LOCK := $(COMPILE) pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup format check test test-browser images chart fuzz mutation conformance reference docs demo chaos bench wheel sbom audit lock

help: ## list the targets
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: .venv/.ready ## make the environment in .venv from the lock

.venv/.ready: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "scaleops-worker needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv || { echo "python3 cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv \
	  && $(BIN)/uv pip install -q --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/dev.lock \
	  || $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Tools with many dependencies of their own, each in an environment from its lock; `runtime` is what the wheel needs and nothing else.
.tools/%/.ready: requirements/%.lock .venv/.ready
	@$(BIN)/uv venv -q --clear --python $(BIN)/python .tools/$*
	@$(BIN)/uv pip install -q --python .tools/$*/bin/python --require-hashes -r $<
	@$(if $(filter fuzz mutation,$*),$(BIN)/uv pip install -q --python .tools/$*/bin/python --no-deps --no-build-isolation -e .)
	@touch $@

format: setup ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: setup ## form, lint, types and floor plan
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup ## every test that needs no browser and no Helm
	$(BIN)/python -m pytest -m "not browser and not chart" -n auto --dist worksteal

test-browser: setup ## the pages in a real Chromium
	@sh tests/browser/ready.sh $(BIN)
	$(BIN)/python -m pytest -m browser

chart: setup ## the Helm chart: lint, schemas, alert rules
	@sh tests/chart/ready.sh $(BIN)
	$(BIN)/python -m pytest -m chart tests/chart

fuzz: .tools/fuzz/.ready ## send generated requests to every route of the gateway (EXAMPLES=200 SEED=1 QUICK=)
	.tools/fuzz/bin/python -m tests.fuzz --examples $(or $(EXAMPLES),200) --seed $(or $(SEED),1) $(if $(QUICK),--quick)

mutation: .tools/mutation/.ready ## change domain/ and alerts/ line by line: do the unit tests notice? (all of it takes an hour; SAMPLE=200 SEED=1)
	.tools/mutation/bin/python -m tests.mutation $(if $(SAMPLE),--sample $(SAMPLE)) --seed $(or $(SEED),1) $(if $(RETRY),--retry)

images: setup ## the pictures of docs/images, from the demo in a real Chromium
	@sh tests/browser/ready.sh $(BIN)
	@test -f demo-out/index.html || $(BIN)/scaleops-worker demo
	$(BIN)/python -m tests.browser.images

conformance: setup ## the MCP protocol's own test suite and inspector (needs npm)
	@command -v npm >/dev/null || { echo "npm is missing, which brings the test suite; on Debian: apt-get install npm"; exit 1; }
	@mkdir -p .conformance
	@test -x .conformance/node_modules/.bin/mcp-inspector \
	  || npm install --prefix .conformance --silent --no-fund --no-audit --foreground-scripts \
	       node@22 @modelcontextprotocol/conformance@0.1.16 @modelcontextprotocol/inspector@2.12.0
	$(BIN)/python -m tests.conformance

reference: setup ## write the pages of docs/reference that are generated from the code
	$(BIN)/python -m tests.docgen

docs: export NO_MKDOCS_2_WARNING = 1
docs: .tools/docs/.ready ## build the documentation site into site/
	.tools/docs/bin/mkdocs build --quiet --strict
	@echo "site/index.html"

demo: setup ## live through twelve simulated weeks; writes demo-out/
	$(BIN)/scaleops-worker demo

chaos: setup ## try every fault from a seed, print the fault table (SEED=1 TIMES=1)
	$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --times $(or $(TIMES),1)

bench: setup ## speed, as ratios against a reference of the same run
	$(BIN)/python -m benchmarks

# The date of every file in the wheel and of the SBOM is that of the commit, so that a second build has the same bytes.
wheel sbom: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)

wheel: setup ## build the wheel into dist/, with the locked build tools; the same commit gives the same bytes
	$(BIN)/uv build -q --wheel --build-constraint requirements/build.lock --require-hashes --out-dir dist .
	@cd dist && sha256sum *.whl

sbom: .tools/runtime/.ready .tools/audit/.ready ## list what the wheel depends on (CycloneDX, dist/), and check the licences
	@mkdir -p dist
	.tools/audit/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
	  -o dist/scaleops-worker.cdx.json .tools/runtime/bin/python
	$(BIN)/python -m tests.supply_chain.licences dist/scaleops-worker.cdx.json

audit: .tools/audit/.ready ## look for known vulnerabilities in every lock (exit status 3: the database cannot be reached)
	$(BIN)/python -m tests.supply_chain.audit .tools/audit/bin/pip-audit

lock: setup ## pin the dependencies anew
	$(LOCK) --extra otel -o requirements/runtime.lock
	$(LOCK) --extra otel --group dev -c requirements/runtime.lock -o requirements/dev.lock
	$(LOCK) --extra otel --group dev --group browser -c requirements/dev.lock -o requirements/browser.lock
	$(LOCK) --extra otel --group dev --group chart -c requirements/dev.lock -o requirements/chart.lock
	$(COMPILE) --group audit -c requirements/dev.lock -o requirements/audit.lock
	$(LOCK) --extra otel --group dev --group fuzz -c requirements/dev.lock -o requirements/fuzz.lock
	$(LOCK) --extra otel --group dev --group mutation -c requirements/dev.lock -o requirements/mutation.lock
	$(COMPILE) --group docs -c requirements/dev.lock -o requirements/docs.lock
	sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml | $(COMPILE) - -c requirements/dev.lock -o requirements/build.lock
