//! The `hallmark` binary.

fn main() {}
