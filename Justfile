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

# Feeds a target (template, layer, pins) with broken input for a while; needs: cargo install cargo-fuzz --locked
fuzz TARGET="layer" SECONDS="60":
    tests/fuzz/seed
    # Without a sanitizer it runs on a stable compiler; kiln has no unsafe code for one to watch.
    cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none {{TARGET}} -- -max_total_time={{SECONDS}} -timeout=20 -rss_limit_mb=2048 -max_len=16384
