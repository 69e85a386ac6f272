//! `servicebay man`: the manual pages.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap_mangen::Man;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder for the pages of this program and of each command; left out: the program's page is
    /// printed.
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints the program's page, or writes all pages into a folder.
pub fn run(command: clap::Command, arguments: &Arguments) -> io::Result<ExitCode> {
    // The version with the vehicle data's provenance is too long for a page's foot.
    let command = command.long_version(None::<&str>);
    match &arguments.folder {
        Some(folder) => clap_mangen::generate_to(command, folder).map_err(|error| {
            io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
        })?,
        None => {
            let mut page = Vec::new();
            Man::new(command).render(&mut page)?;
            io::stdout().write_all(&page)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
