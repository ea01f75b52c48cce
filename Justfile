# What people do with this repository; `just --list` shows it.

# Shows this list
default:
    @just --list

# The fast part of the tests: no servers, no boots; tools that are not installed are skipped, visibly
test *ARGS:
    cargo test --release --locked {{ARGS}}

# Everything: installs what the tests need, then runs all of them
test-all *ARGS:
    tests/all {{ARGS}}

# kiln and its peers side by side: wall time, CPU, memory, size (--quick, --case a-gzip, --help)
bench *ARGS:
    cargo bench --locked --bench peers -- {{ARGS}}

# Formatting and clippy, as CI runs them
lint:
    cargo fmt --check
    cargo clippy --release --locked --all-targets -- -D warnings

# Writes the golden files anew; look at the difference before you commit it
bless *ARGS:
    KILN_BLESS=1 cargo test --release --locked {{ARGS}}
    git --no-pager diff --stat

# kiln as a static program, for templates/kiln
kiln-static:
    templates/kiln/make-binary
