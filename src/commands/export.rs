//! `servicebay export`: everything on file as CSV.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use super::open_existing;
use crate::config::Config;
use crate::transfer::export;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder for customers.csv, vehicles.csv, appointments.csv and products.csv.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Replace files of these names that are in the folder.
    #[arg(long)]
    replace: bool,
}

/// Writes the files, as the database is now.
pub async fn run(config: Config, arguments: Arguments) -> io::Result<ExitCode> {
    let store = open_existing(&config).await?;
    let done = export(&store, &config.shop, &arguments.folder, arguments.replace).await;
    store.close().await;
    done.map_err(io::Error::other)?;
    Ok(ExitCode::SUCCESS)
}
