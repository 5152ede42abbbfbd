# Everything a contributor needs; CI calls `make test` and nothing else.

CARGO ?= cargo

.PHONY: build test check doc bench

build:            ## the command line, at target/release/logistic
	$(CARGO) build --release --locked

test: check doc   ## what CI runs: style, lints, documentation, every test
	$(CARGO) test --workspace --all-features --locked

check:            ## formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features --locked -- -D warnings

doc:              ## the library's documentation, without a warning
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features --locked

bench:            ## against PyTorch, pandas and Polars; makes its own virtual environment
	python3 bench/run.py
	python3 bench/tables.py
