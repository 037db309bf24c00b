# Hallmark's image: one binary on a base without a shell or a package manager, run by an unprivileged user.
# Build: `make image`. OpenSSL is linked dynamically, so that a newer base image brings its security fixes.

FROM debian:trixie-slim AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates gcc libc6-dev libssl-dev pkg-config rustup \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
# The toolchain that rust-toolchain.toml pins, in a layer of its own.
COPY rust-toolchain.toml ./
RUN rustup toolchain install "$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" --profile minimal
COPY Cargo.toml Cargo.lock README.md ./
COPY src src
# The demo's samples are part of the binary; the manifest names the test programs.
COPY tests tests
# Named, so that nothing else of rust-toolchain.toml is installed.
RUN cargo "+$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)" build --locked --release --bin hallmark

# The glibc base with libssl and libgcc; "nonroot" is user 65532.
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /build/target/release/hallmark /usr/local/bin/hallmark
USER 65532:65532
# The endpoint that Gatekeeper asks, and health and metrics.
EXPOSE 6001 9099
ENTRYPOINT ["/usr/local/bin/hallmark"]
CMD ["serve"]
