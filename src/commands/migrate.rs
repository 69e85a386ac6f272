//! `servicebay migrate`: brings the schema up to date, which the first call would do as well.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::Config;
use crate::store::Store;

/// Opens the database, which makes or updates its schema.
pub async fn run(config: Config) -> io::Result<ExitCode> {
    match Store::open(&config.database, &config.shop).await {
        Ok(store) => {
            store.close().await;
            writeln!(io::stdout(), "The schema of {} is up to date.", config.database)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            writeln!(io::stderr(), "servicebay: {}: {error}", config.database)?;
            Ok(ExitCode::FAILURE)
        }
    }
}
