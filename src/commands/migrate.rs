//! `servicebay migrate`: brings the schema up to date, which the first call would do as well, and has
//! the search index lead to every customer.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::config::Config;
use crate::store::Store;

/// Opens the database, which makes or updates its schema.
pub async fn run(config: Config) -> io::Result<ExitCode> {
    let store = match Store::open(&config.database, &config.shop).await {
        Ok(store) => store,
        Err(error) => return fail(&config, &error),
    };
    let indexed = store.index_customers(|_, _| ()).await;
    store.close().await;
    match indexed {
        Ok(()) => {
            writeln!(io::stdout(), "The schema of {} is up to date.", config.database)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => fail(&config, &error),
    }
}

fn fail(config: &Config, error: &dyn std::fmt::Display) -> io::Result<ExitCode> {
    writeln!(io::stderr(), "servicebay: {}: {error}", config.database)?;
    Ok(ExitCode::FAILURE)
}
