//! `servicebay doctor`: what works, what does not, and what to do about it.

mod calendar;
mod upstreams;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::cache::vpic;
use crate::clients::nhtsa::NhtsaClient;
use crate::config::{Config, DatabaseUrl, SqlitePath};
use crate::domain::local_time::rfc3339;
use crate::domain::time::Timestamp;
use crate::domain::vin::Vin;
use crate::domain::vin::vpic::Vpic;
use crate::store::{CalendarState, Checked, Store, check_sqlite};

/// A VIN that NHTSA decodes: the one that its own documentation asks about.
const KNOWN_VIN: &str = "5UXWX7C5XBA123456";

/// How long a database file is looked through: a gigabyte or two, and a shop's file is smaller.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

enum Finding {
    Good(String),
    /// It can be lived with.
    Poor {
        what: String,
        mend: String,
    },
    Bad {
        what: String,
        mend: String,
    },
}

/// Checks everything and prints a line each; failure where calls cannot work.
pub async fn run(config: Config) -> io::Result<ExitCode> {
    let mut findings = vec![zone(&config)];
    let (database, calendar_state) = database(&config).await;
    findings.extend(database);
    findings.push(vehicle_data(&config));
    findings.push(nhtsa(&config).await);
    findings.extend(upstreams::probe(&config).await);
    findings.extend(calendar::findings(&config, calendar_state.as_ref()).await);
    let mut out = io::stdout().lock();
    for finding in &findings {
        match finding {
            Finding::Good(what) => writeln!(out, "ok       {what}")?,
            Finding::Poor { what, mend } => writeln!(out, "warning  {what}\n         {mend}")?,
            Finding::Bad { what, mend } => writeln!(out, "FAILED   {what}\n         {mend}")?,
        }
    }
    let is_bad = findings.iter().any(|finding| matches!(finding, Finding::Bad { .. }));
    Ok(ExitCode::from(u8::from(is_bad)))
}

fn zone(config: &Config) -> Finding {
    let now = Timestamp::from(chrono::Utc::now());
    let zone = config.shop.zone;
    let what = format!("time zone {zone}: it is {} at the shop", rfc3339(now, zone));
    if matches!(zone.name(), "UTC" | "Etc/UTC" | "GMT" | "Etc/GMT") {
        let mend = "Few shops live in UTC: set SHOP_TIMEZONE, such as America/New_York.".to_owned();
        return Finding::Poor { what, mend };
    }
    Finding::Good(what)
}

/// What there is to say of the database, and what it knows of the calendar.
async fn database(config: &Config) -> (Vec<Finding>, Option<CalendarState>) {
    let file = file(config);
    // To open it would fold a log into the file that may not be its own.
    if let Some(bad @ Finding::Bad { .. }) = file {
        return (vec![bad], None);
    }
    let started = Instant::now();
    let store = match Store::open(&config.database, &config.shop).await {
        Ok(store) => store,
        Err(error) => {
            let what = format!("database {}: {error}", config.database);
            let mend = if error.is_of_another_program() {
                "It seems to be another program's: set DATABASE_URL to one of the shop's own."
            } else {
                "Check DATABASE_URL, that the server runs, and that you may use it."
            };
            return (vec![Finding::Bad { what, mend: mend.to_owned() }], None);
        }
    };
    let elapsed_ms = started.elapsed().as_millis();
    let opened = match store.version().await {
        Ok(version) => Finding::Good(format!(
            "database {}: {version}, schema up to date, opened in {elapsed_ms} ms",
            config.database
        )),
        Err(error) => Finding::Bad {
            what: format!("database {}: {error}", config.database),
            mend: "The database was opened but answers no query; look at its own log.".to_owned(),
        },
    };
    let mut findings = vec![opened];
    findings.extend(file);
    findings.push(referees(&store).await);
    findings.extend(upstreams::answered(&store, config.shop.zone).await);
    let calendar_state = calendar::state(&store).await;
    store.close().await;
    (findings, calendar_state)
}

/// Whether the database file is new or malformed; `None` where there is none, or it cannot be looked at.
fn file(config: &Config) -> Option<Finding> {
    let DatabaseUrl::Sqlite(SqlitePath::File(path)) = &config.database else { return None };
    // Somebody who has mistyped its path, or lost it, is to see that there is nothing in it.
    if std::fs::metadata(path).map_or(0, |file| file.len()) == 0 {
        return Some(Finding::Good(format!(
            "database file: {} was not there or was empty; it is a new shop's now",
            path.display()
        )));
    }
    let started = Instant::now();
    Some(match check_sqlite(path, CHECK_LIMIT).ok()? {
        Checked::Sound => Finding::Good(format!(
            "database file: nothing in it is malformed, looked through in {} ms",
            started.elapsed().as_millis()
        )),
        Checked::TimeIsUp => Finding::Good(format!(
            "database file: nothing malformed was found in {} s; the rest of it was not looked at",
            CHECK_LIMIT.as_secs()
        )),
        Checked::Malformed { what, is_log_foreign } => malformed(path, &what, is_log_foreign),
    })
}

fn malformed(path: &Path, what: &str, is_log_foreign: bool) -> Finding {
    let file = path.display();
    let what: Vec<&str> = what.split_whitespace().collect();
    let what = what.join(" ");
    if is_log_foreign {
        return Finding::Bad {
            what: format!(
                "database file {file}: malformed together with {file}-wal, which is another file's: {what}"
            ),
            // A server that ends may write its log into the file.
            mend: format!(
                "Copy {file} alone, end all servers, put the copy in its place, and delete {file}-wal and {file}-shm."
            ),
        };
    }
    Finding::Bad {
        what: format!("database file {file}: malformed: {what}"),
        mend: format!(
            "End all servers, put a backup in the place of {file}, and delete {file}-wal and {file}-shm."
        ),
    }
}

async fn referees(store: &Store) -> Finding {
    match store.referees().await {
        Ok((found, expected)) if found == expected => Finding::Good(
            "double bookings, overpaid invoices and stock below zero are refused by the database: \
             all of its checks are in place"
                .to_owned(),
        ),
        Ok((found, expected)) => Finding::Bad {
            what: format!(
                "only {found} of the {expected} checks against double bookings, overpaid invoices \
                 and stock below zero are in place"
            ),
            mend: "Somebody changed the schema: restore it from a backup, or start a new database."
                .to_owned(),
        },
        Err(error) => Finding::Bad {
            what: format!("the database's checks cannot be counted: {error}"),
            mend: "Give the database's user the right to read its catalog.".to_owned(),
        },
    }
}

/// What VINs are decoded from where NHTSA does not answer.
fn vehicle_data(config: &Config) -> Finding {
    let tell = |vpic: Vpic<'_>, place: &str| {
        let (release, newest) = (vpic.release(), vpic.newest());
        format!("VINs: vPIC {release} {place}, with changes up to {newest}")
    };
    let Some(path) = &config.vin.data_file else {
        return Finding::Good(tell(vpic::embedded(), "inside the program"));
    };
    match vpic::read(path) {
        Ok(data) if data.release() < vpic::embedded().release() => Finding::Poor {
            what: tell(data, "in VIN_DATA_FILE"),
            mend: "The data inside the program is newer: take VIN_DATA_FILE out.".to_owned(),
        },
        Ok(data) => Finding::Good(tell(data, "in VIN_DATA_FILE")),
        Err(error) => Finding::Bad {
            what: format!("VINs: the file {} {error}", path.display()),
            mend: "Make the file anew with scripts/vpic, or take VIN_DATA_FILE out.".to_owned(),
        },
    }
}

async fn nhtsa(config: &Config) -> Finding {
    let Some(base_url) = &config.nhtsa.base_url else {
        return Finding::Good("VINs: NHTSA is never asked, as configured".to_owned());
    };
    let Ok(vin) = KNOWN_VIN.parse::<Vin>() else {
        return Finding::Good("VINs: not checked".to_owned());
    };
    let started = Instant::now();
    match NhtsaClient::new(base_url).decode(&vin).await {
        Ok(_) => {
            Finding::Good(format!("VINs: NHTSA answers in {} ms", started.elapsed().as_millis()))
        }
        Err(error) => Finding::Poor {
            what: format!("VINs: NHTSA at {base_url}: {error}"),
            mend: "Everything works: VINs are decoded from the vehicle data until it answers."
                .to_owned(),
        },
    }
}
