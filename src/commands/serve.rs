//! `servicebay serve`.

use std::process::ExitCode;
use std::sync::Arc;

use crate::config::Config;
use crate::server;
use crate::tools::Engine;

/// Serves until the input ends.
pub fn run(config: Config) -> ExitCode {
    server::serve(Arc::new(Engine::new(config)))
}
