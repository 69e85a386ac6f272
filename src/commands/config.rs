//! `servicebay config`: the effective settings.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::Config;

/// Prints every setting and where it comes from.
pub fn run(config: &Config) -> io::Result<ExitCode> {
    write!(io::stdout(), "{}", config.describe())?;
    Ok(ExitCode::SUCCESS)
}
