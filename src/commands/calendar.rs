//! `servicebay calendar`: the shop's calendar without a server.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::calendar::{Calendar, CalendarError, Pushed};
use crate::config::Config;
use crate::domain::icalendar::Feed;
use crate::domain::time::Timestamp;
use crate::store::Store;

/// The command's arguments.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub struct Arguments {
    /// Write all visits to come to this file as iCalendar; - writes them to standard output.
    #[arg(long, value_name = "FILE")]
    ics: Option<PathBuf>,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Write what has changed to the calendar and read what staff have changed in it, once, as a
    /// running server does all the time; exits 1 where something could not be written.
    Sync,
}

/// Does it.
pub async fn run(config: Config, arguments: Arguments) -> io::Result<ExitCode> {
    let is_sync = arguments.ics.is_none();
    if is_sync && config.server.read_only {
        return Err(io::Error::other(
            "SERVICEBAY_READ_ONLY is true, and a sync changes the calendar; unset it for the sync",
        ));
    }
    let store = Store::open(&config.database, &config.shop)
        .await
        .map_err(|error| io::Error::other(format!("{}: {error}", config.database)))?;
    let done = match arguments {
        Arguments { ics: Some(path), .. } => feed(&store, &path).await,
        Arguments { action: Some(Action::Sync) | None, .. } => sync(&config, &store).await,
    };
    store.close().await;
    done
}

async fn sync(config: &Config, store: &Store) -> io::Result<ExitCode> {
    let Some(calendar) = Calendar::new(config) else {
        return Err(io::Error::other(
            "no calendar is connected; set CALDAV_URL or GOOGLE_CALENDAR_ID",
        ));
    };
    // Before the database takes it for the shop's calendar. One that is away only counts as such.
    if let Err(error) = calendar.prove().await
        && !error.is_outage()
    {
        let advice = calendar.client().advice(&error);
        writeln!(
            io::stderr(),
            "servicebay: nothing was written to the calendar: {error}. {advice}"
        )?;
        return Ok(ExitCode::FAILURE);
    }
    let Pushed { written, failed, .. } =
        push_all(&calendar, store).await.map_err(|error| io::Error::other(error.to_string()))?;
    let left = match failed {
        0 => String::new(),
        failed => format!(" {failed} could not be written and will be tried again."),
    };
    writeln!(io::stdout(), "{written} {} brought up to date.{left}", visits(written))?;
    if let Err(error) = calendar.read_now(store).await {
        let error = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        writeln!(io::stderr(), "servicebay: the calendar could not be read: {error}")?;
        return Ok(ExitCode::FAILURE);
    }
    let partial = store.read_aside().await.map_err(io::Error::other)?.calendar_state().await;
    match partial.map_err(io::Error::other)?.partial_events {
        0 => {}
        count => writeln!(
            io::stderr(),
            "servicebay: {count} of the calendar's entries could not be read in full; \
             `servicebay doctor` names them"
        )?,
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Writes everything that is marked, until there is no more or the calendar does not answer.
async fn push_all(calendar: &Calendar, store: &Store) -> Result<Pushed, CalendarError> {
    let state = calendar.connect(store).await?;
    let salt = state.salt.unwrap_or_default();
    let mut session = store.write_aside().await?;
    session.hurry_marks().await?;
    session.commit().await?;
    let mut total = Pushed::default();
    loop {
        let pushed = calendar.push(store, &salt).await?;
        total.written += pushed.written;
        total.failed += pushed.failed;
        if pushed.written + pushed.failed == 0 || pushed.pause.is_some() {
            break;
        }
    }
    if total.failed > 0 {
        // What was not even tried is left, too.
        let left = store.read_aside().await?.count_marks().await?;
        total.failed = usize::try_from(left).unwrap_or(total.failed);
    }
    Ok(total)
}

fn visits(count: usize) -> &'static str {
    if count == 1 { "visit was" } else { "visits were" }
}

/// How many visits are read at once.
const PAGE: i64 = 500;

/// Writes all visits to come. A file is replaced as a whole, so that who reads it meanwhile sees one
/// feed or the other.
async fn feed(store: &Store, path: &Path) -> io::Result<ExitCode> {
    if path == Path::new("-") {
        write_feed(store, &mut BufWriter::new(io::stdout())).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = async {
        let mut file = BufWriter::new(create_private(&part)?);
        write_feed(store, &mut file).await?;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        // Whoever was let in to the one before is let in to this one.
        if let Ok(before) = std::fs::metadata(path) {
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    if let Err(error) = written.await {
        let _ = std::fs::remove_file(&part);
        return Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())));
    }
    Ok(ExitCode::SUCCESS)
}

async fn write_feed(store: &Store, out: &mut impl Write) -> io::Result<()> {
    let now = Timestamp::from(chrono::Utc::now());
    let salt = store.calendar_salt().await.map_err(io::Error::other)?;
    out.write_all(Feed::head("Service appointments").as_bytes())?;
    let mut after = None;
    loop {
        let mut session = store.read_aside().await.map_err(io::Error::other)?;
        let page = session.events_to_come(&salt, now, after, PAGE).await;
        let page = page.map_err(io::Error::other)?;
        let Some((last, event)) = page.last() else { break };
        after = Some((event.span.start, *last));
        for (_, event) in &page {
            out.write_all(Feed::event(event, now).as_bytes())?;
        }
    }
    out.write_all(Feed::end().as_bytes())?;
    out.flush()
}

/// A new file for its owner alone: it holds the names of customers.
fn create_private(path: &Path) -> io::Result<File> {
    let mut file = std::fs::OpenOptions::new();
    file.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        file.mode(0o600);
    }
    file.open(path)
}
