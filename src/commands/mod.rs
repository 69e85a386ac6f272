//! The command line: one file per command.

mod backup;
mod calendar;
mod call;
mod completions;
mod config;
mod demo;
mod doctor;
mod export;
mod import;
mod install;
mod man;
mod migrate;
mod serve;
mod tools;
mod vin;

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::{Config, DatabaseUrl, SqlitePath};
use crate::server::logging;
use crate::store::Store;

/// What a wrong command line or configuration exits with, as clap does.
const USAGE: u8 = 2;

/// The version, and that of the vehicle data, whose provenance the build reads from the data itself.
const LONG_VERSION: &str =
    concat!(env!("CARGO_PKG_VERSION"), "\nvehicle data: ", env!("VEHICLE_DATA"));

/// MCP tool server for the front desk of a car service shop.
///
/// Without a command it serves MCP on standard input and output.
#[derive(Debug, Parser)]
#[command(name = "servicebay", version, long_version = LONG_VERSION)]
struct CommandLine {
    /// The configuration file; left out: what SERVICEBAY_CONFIG names, else servicebay.toml in the
    /// user's configuration folder, if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    OnShop(OnShop),
    #[command(flatten)]
    OnMachine(OnMachine),
}

/// What needs the settings.
#[derive(Debug, Subcommand)]
enum OnShop {
    /// Serve MCP on standard input and output until the input ends.
    Serve,
    /// Call one tool and print its reply; exits 0 on success and 1 on failure.
    Call(call::Arguments),
    /// Print the tools' definitions, for agents that speak no MCP.
    Tools(tools::Arguments),
    /// Decode VINs from the vehicle data in the program, without asking anybody; exits 1 where one
    /// could not be.
    Vin(vin::Arguments),
    /// Play a whole service visit on a throwaway sample shop.
    Demo,
    /// Take over customers, vehicles, appointments and products from CSV files.
    ///
    /// A row that is on file already is left alone, so that the same files may be imported again. What
    /// cannot be taken goes with line number and reason to FILE.rejected.csv.
    Import(import::Arguments),
    /// Write everything on file as the CSV files that import reads.
    Export(export::Arguments),
    /// Copy the whole database into a file, also while it is in use.
    Backup(backup::Arguments),
    /// Write what has changed to the shop's calendar once, or all coming visits as an iCalendar feed.
    Calendar(calendar::Arguments),
    /// Bring the database's schema up to date.
    Migrate,
    /// Check database, time zone and upstreams, and say what to mend.
    Doctor,
    /// Print the effective settings, secrets masked.
    Config,
}

/// What works without the settings, or before there are any.
#[derive(Debug, Subcommand)]
enum OnMachine {
    /// Tell a client of this server, by writing it into the client's own configuration.
    ///
    /// Everything else in the file stays as it is, comments and order included, and the file as it was
    /// is kept beside it.
    Install(install::Arguments),
    /// Print what a shell needs to complete this program's command line.
    Completions(completions::Arguments),
    /// Print the manual page, or write the pages of all commands into a folder.
    Man(man::Arguments),
}

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let CommandLine { config, command } = CommandLine::parse();
    let code = match command.unwrap_or(Command::OnShop(OnShop::Serve)) {
        Command::OnShop(command) => return run_on_shop(config.as_deref(), command),
        Command::OnMachine(OnMachine::Install(arguments)) => {
            install::run(config.as_deref(), arguments)
        }
        Command::OnMachine(OnMachine::Completions(arguments)) => {
            completions::run(CommandLine::command(), &arguments)
        }
        Command::OnMachine(OnMachine::Man(arguments)) => {
            man::run(CommandLine::command(), &arguments)
        }
    };
    code.unwrap_or_else(|error| fail(&error))
}

fn run_on_shop(config: Option<&Path>, command: OnShop) -> ExitCode {
    let config = match Config::load(config) {
        Ok(config) => config,
        Err(error) => return refuse(&error),
    };
    let filter = std::env::var("RUST_LOG").ok();
    // That a query took long is for who looks after a server, and not for who types a command.
    let default = match command {
        OnShop::Serve => "warn",
        _ => "warn,sqlx::query=error",
    };
    if let Err(error) = logging::init(filter.as_deref(), default, config.server.log_format) {
        return refuse(&error);
    }
    let code = match command {
        OnShop::Serve => return serve::run(config),
        OnShop::Call(arguments) => wait(call::run(config, arguments)),
        OnShop::Tools(arguments) => tools::run(config, &arguments),
        OnShop::Vin(arguments) => vin::run(&config, &arguments),
        OnShop::Demo => wait(demo::run(config)),
        OnShop::Import(arguments) => wait(import::run(config, arguments)),
        OnShop::Backup(arguments) => wait(backup::run(config, arguments)),
        OnShop::Export(arguments) => wait(export::run(config, arguments)),
        OnShop::Calendar(arguments) => wait(calendar::run(config, arguments)),
        OnShop::Migrate => wait(migrate::run(config)),
        OnShop::Doctor => wait(doctor::run(config)),
        OnShop::Config => config::run(&config),
    };
    logging::finish();
    code.unwrap_or_else(|error| fail(&error))
}

fn fail(error: &io::Error) -> ExitCode {
    match error.kind() {
        // Whoever read the output has seen enough.
        io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => refuse(error),
    }
}

/// One line on standard error, and the exit code for what cannot even be begun.
fn refuse(problem: &dyn Display) -> ExitCode {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "servicebay: {problem}");
    ExitCode::from(USAGE)
}

fn wait(command: impl Future<Output = io::Result<ExitCode>>) -> io::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let code = runtime.block_on(command);
    runtime.shutdown_background();
    code
}

/// Why a database in memory cannot be copied.
const IN_MEMORY: &str = "the database is in memory and gone with its process; set DATABASE_URL";

/// Opens the database for a command that copies it. One that is not there is no empty shop, but a wrong address.
async fn open_existing(config: &Config) -> io::Result<Store> {
    let failed = |why: &dyn Display| io::Error::other(format!("{}: {why}", config.database));
    match &config.database {
        DatabaseUrl::Sqlite(SqlitePath::Memory) => return Err(io::Error::other(IN_MEMORY)),
        DatabaseUrl::Sqlite(SqlitePath::File(path)) if !path.try_exists()? => {
            return Err(failed(&"there is no such file; set DATABASE_URL to the shop's database"));
        }
        _ => {}
    }
    Store::open(&config.database, &config.shop).await.map_err(|error| failed(&error))
}
