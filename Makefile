# Everything a contributor needs; CI calls `make test` and then `make test-cluster`.

CARGO ?= cargo
FUZZ_SECONDS ?= 20
FUZZ_TARGETS ?= csv_to_table json_lines svmlight model_json any_table

PYTHON ?= python3
VENV := python/.venv

.PHONY: build test test-cluster check doc python browser bench instructions fuzz

build:            ## the command line, at target/release/logistic
	$(CARGO) build --release --locked

test: check doc   ## what CI runs: style, lints, documentation, every test
	$(CARGO) test --workspace --all-features --locked
	$(MAKE) python

check:            ## formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings
	$(CARGO) clippy --package logistic --locked -- -D warnings

doc:              ## the library's documentation, without a warning
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --locked

# The wheel is what is tested: built, put into a bare virtual environment, and imported from there. The server's page is
# tested beside the report's, by the binary.
python: browser   ## the Python package: its wheel, and its tests
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check ./python
	$(VENV)/bin/python -c "import logistic; logistic.Error"
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement python/requirements-test.txt
	$(CARGO) build --workspace --all-features --locked --bin logistic
	LOGISTIC=$$($(CARGO) metadata --no-deps --format-version 1 | $(PYTHON) -c \
		"import json, sys; print(json.load(sys.stdin)['target_directory'])")/debug/logistic \
		$(VENV)/bin/python -m pytest --quiet --ignore python/tests/spark python/tests
	$(VENV)/bin/python python/tests/sklearn_own.py

# What opens the pages in the tests. Where none can be had they are skipped, and say so.
browser:          ## Chromium, from the system's packages where there is none yet
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0; \
	fi; \
	echo "no Chromium: the tests that open pages are skipped"

# Spark's own processes need a Java runtime; where there is none, one is installed if this may be done.
CLUSTER_VENV := python/.venv-cluster
SAIL_VENV := python/.venv-sail

# The engine is built in a target folder of its own.
test-cluster:     ## Ballista and Spark, two executors each on this machine, one of them killed, and Sail; wants Java
	cd crates/logistic-cluster && $(CARGO) fmt --check
	cd crates/logistic-cluster && $(CARGO) clippy --all-targets --locked -- -D warnings
	cd crates/logistic-cluster && $(CARGO) test --locked
	command -v java >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends default-jre-headless; }
	rm -rf $(CLUSTER_VENV)
	$(PYTHON) -m venv $(CLUSTER_VENV)
	$(CLUSTER_VENV)/bin/pip install --quiet --disable-pip-version-check ./python
	$(CLUSTER_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement python/requirements-cluster.txt
	$(CLUSTER_VENV)/bin/python -m pytest --quiet python/tests/spark/test_spark.py
	rm -rf $(SAIL_VENV)
	$(PYTHON) -m venv $(SAIL_VENV)
	$(SAIL_VENV)/bin/pip install --quiet --disable-pip-version-check ./python
	$(SAIL_VENV)/bin/pip install --quiet --disable-pip-version-check --requirement python/requirements-sail.txt
	$(SAIL_VENV)/bin/python -m pytest --quiet python/tests/spark/test_sail.py

bench:            ## against PyTorch, scikit-learn, Polars and others; makes its own virtual environment
	python3 bench/run.py
	python3 bench/tables.py
	python3 bench/fits.py
	python3 bench/larger.py
	python3 bench/serve.py

instructions:     ## whether fixed work takes more instructions than bench/instructions.json says; wants valgrind
	python3 bench/instructions.py

# RUSTC_BOOTSTRAP lets the stable compiler count coverage; there is no unsafe code for a sanitizer to watch. What is
# found goes to fuzz/corpus and fuzz/artifacts, which git ignores; fuzz/seeds is where each run begins.
fuzz:             ## every fuzz target for FUZZ_SECONDS
	$(CARGO) fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked --version 0.13.2
	RUSTC_BOOTSTRAP=1 $(CARGO) fuzz build -s none --features arrow
	for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target && \
		RUSTC_BOOTSTRAP=1 $(CARGO) fuzz run -s none --features arrow $$target \
			fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-dict=fuzz/dictionaries/$$target.dict -max_total_time=$(FUZZ_SECONDS) -max_len=4096 -timeout=20 || exit 1; \
	done
