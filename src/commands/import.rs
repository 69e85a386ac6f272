//! `servicebay import`: takes over the records of another program.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use crate::cache::vpic::VehicleData;
use crate::clients::calendar::CalendarClient;
use crate::config::Config;
use crate::domain::time::Timestamp;
use crate::store::Store;
use crate::transfer::{Files, Options, import};

/// Of more customers than that, it is told how far indexing has come.
const TOLD_INDEXING: i64 = 10_000;
/// What a program exits with that a signal ended: 128 and the signal's number.
const SIGNALLED: u8 = 128;
const SIGINT: u8 = 2;
#[cfg(unix)]
const SIGTERM: u8 = 15;

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = true)]
pub struct Arguments {
    /// customers.csv; columns: external_id, first_name, last_name, email, phone_number, created_at, notes.
    #[arg(long, value_name = "FILE")]
    customers: Option<PathBuf>,
    /// vehicles.csv; columns: external_id, customer_external_id, vin, year, make, model, trim, color,
    /// license_plate, current_mileage, is_primary_vehicle.
    #[arg(long, value_name = "FILE")]
    vehicles: Option<PathBuf>,
    /// appointments.csv; columns: external_id, customer_external_id, vehicle_external_id, scheduled_at,
    /// duration_minutes, service_type, status, service_description, customer_concerns, notes.
    #[arg(long, value_name = "FILE")]
    appointments: Option<PathBuf>,
    /// products.csv; columns: sku, name, price, stock_quantity, category.
    #[arg(long, value_name = "FILE")]
    products: Option<PathBuf>,
    /// Take customers whose phone number another customer has, as in a household or a company.
    #[arg(long)]
    allow_shared_phones: bool,
}

/// Imports the files; 0: all rows are on file, 1: some were rejected.
pub async fn run(config: Config, arguments: Arguments) -> io::Result<ExitCode> {
    if config.server.read_only {
        return Err(io::Error::other(
            "SERVICEBAY_READ_ONLY is true, and an import changes records; unset it for the import",
        ));
    }
    let now = Timestamp::from(chrono::Utc::now());
    let store = Store::open(&config.database, &config.shop)
        .await
        .map_err(|error| io::Error::other(format!("{}: {error}", config.database)))?;
    let stopping = Arc::new(AtomicBool::new(false));
    let signal = stop_on_signal(Arc::clone(&stopping));
    let files = Files {
        customers: arguments.customers,
        vehicles: arguments.vehicles,
        appointments: arguments.appointments,
        products: arguments.products,
    };
    let options = Options {
        allow_shared_phones: arguments.allow_shared_phones,
        counts_blocks: CalendarClient::new(&config.calendar, config.shop.zone).is_some(),
        vpic: VehicleData::new(config.vin.data_file.clone()).get(),
        stopping,
    };
    let interrupted = Arc::clone(&options.stopping);
    let imported = import(&store, &config.shop, now, &files, options).await;
    if imported.as_ref().is_ok_and(|imported| imported.is_complete) {
        index(&store, &interrupted).await;
    }
    store.close().await;
    let imported = imported.map_err(io::Error::other)?;
    if !imported.is_complete {
        writeln!(io::stderr(), "The same command goes on where this one stopped.")?;
        return Ok(ExitCode::from(SIGNALLED + signal.load(Ordering::Relaxed)));
    }
    Ok(ExitCode::from(u8::from(imported.rejected > 0)))
}

/// Has the search index lead to the customers that came. Searches are right without it, and catch up
/// by themselves, so it may be broken off, and what fails here is no failure of the import.
async fn index(store: &Store, interrupted: &AtomicBool) {
    let tell = |done: i64, total: i64| {
        if total > TOLD_INDEXING {
            // Without anybody to read it, the work goes on.
            let _ = writeln!(io::stderr(), "search index: {done} of {total} customers");
        }
    };
    let broken_off = async {
        while !interrupted.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    };
    let indexed = tokio::select! {
        indexed = store.index_customers(tell) => indexed,
        ended = broken_off => ended,
    };
    if let Err(error) = indexed {
        tracing::warn!(%error, "the search index is not complete yet");
    }
}

/// Lets the turn that is under way end when the user, or the system, wants the program to. The number
/// is that of the signal that came.
fn stop_on_signal(stopping: Arc<AtomicBool>) -> Arc<AtomicU8> {
    let signal = Arc::new(AtomicU8::new(0));
    let came = Arc::clone(&signal);
    tokio::spawn(async move {
        came.store(signalled().await, Ordering::Relaxed);
        stopping.store(true, Ordering::Relaxed);
        // Who asks twice does not want to wait for the end of a turn, which then never was.
        let again = signalled().await;
        std::process::exit(i32::from(SIGNALLED + again));
    });
    signal
}

#[cfg(unix)]
async fn signalled() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        return interrupted().await;
    };
    tokio::select! {
        _ = terminated.recv() => SIGTERM,
        signal = interrupted() => signal,
    }
}

#[cfg(not(unix))]
async fn signalled() -> u8 {
    interrupted().await
}

async fn interrupted() -> u8 {
    // Where there are no signals, none ever comes.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    SIGINT
}
