//! The `servicebay` program: reads the command line and runs one command.

use std::process::ExitCode;

fn main() -> ExitCode {
    servicebay::commands::run()
}
