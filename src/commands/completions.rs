//! `servicebay completions`: what a shell needs to complete this program's command line.

use std::io::{self, Write};
use std::process::ExitCode;

use clap_complete::Shell;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The shell.
    shell: Shell,
}

/// Prints the shell's script.
pub fn run(mut command: clap::Command, arguments: &Arguments) -> io::Result<ExitCode> {
    // The generator panics where it cannot write, and a reader may have seen enough.
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "servicebay", &mut script);
    io::stdout().write_all(&script)?;
    Ok(ExitCode::SUCCESS)
}
