//! The `hallmark` binary.

fn main() -> std::process::ExitCode {
    hallmark::cli::run()
}
