//! `servicebay backup`: a consistent copy of the database while it is in use.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use url::Url;

use super::{IN_MEMORY, open_existing};
use crate::config::{Config, DatabaseUrl, SqlitePath};
use crate::store::copy_sqlite;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The file that is to be made: a SQLite database, or what pg_restore reads.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// Makes the copy, unless a file of that name is there.
pub async fn run(config: Config, arguments: Arguments) -> io::Result<ExitCode> {
    let Arguments { file } = arguments;
    let exists = || io::Error::other(format!("{} is there already", file.display()));
    if file.try_exists()? {
        return Err(exists());
    }
    // To open it brings an older schema up to date.
    open_existing(&config).await?.close().await;
    let draft = Draft::beside(&file)?;
    match &config.database {
        DatabaseUrl::Sqlite(SqlitePath::Memory) => return Err(io::Error::other(IN_MEMORY)),
        DatabaseUrl::Sqlite(SqlitePath::File(path)) => {
            copy_sqlite(path, &draft.0).map_err(io::Error::other)?;
        }
        DatabaseUrl::Postgres(url) => dump(url, &draft.0)?,
    }
    std::fs::File::open(&draft.0)?.sync_all()?;
    // Unlike a renaming, a second name never takes the place of a file that came meanwhile.
    std::fs::hard_link(&draft.0, &file).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(),
        _ => error,
    })?;
    writeln!(io::stdout(), "{} is a copy of {}.", file.display(), config.database)?;
    Ok(ExitCode::SUCCESS)
}

/// A file that is not complete yet; its name goes in the end.
struct Draft(PathBuf);

impl Draft {
    /// Makes it for its owner alone, next to where the copy will be.
    fn beside(file: &Path) -> io::Result<Self> {
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{}", std::process::id()));
        let path = PathBuf::from(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let named =
            |error| io::Error::other(format!("{} cannot be written: {error}", path.display()));
        options.open(&path).map_err(named)?;
        Ok(Self(path))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Has pg_dump write the copy. Where the database is, and the password, it learns from its environment:
/// command lines are for everybody to read.
fn dump(url: &str, file: &Path) -> io::Result<()> {
    let mut command = Command::new("pg_dump");
    command.arg("--format=custom").arg("--no-password").arg("--file").arg(file);
    command.envs(environment(url)?).stdin(Stdio::null()).stdout(Stdio::null());
    let status = command.status().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other(
            "pg_dump is not installed; install PostgreSQL's client programs (Debian: apt-get install \
             postgresql-client), in the server's version or a later one",
        ),
        _ => error,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(io::Error::other(
        "pg_dump failed, and said why above; it must not be older than the server",
    ))
}

/// The variables by which libpq finds the database (PostgreSQL manual, "Environment Variables").
fn environment(url: &str) -> io::Result<Vec<(&'static str, String)>> {
    let options: PgConnectOptions = url.parse().map_err(io::Error::other)?;
    let parsed = Url::parse(url).map_err(io::Error::other)?;
    let parameter = |names: &[&str]| {
        let found = parsed.query_pairs().find(|(name, _)| names.contains(&name.as_ref()));
        found.map(|(_, value)| value.into_owned())
    };
    let host = options.get_socket().map(|folder| folder.display().to_string());
    let ssl_mode = match options.get_ssl_mode() {
        PgSslMode::Disable => "disable",
        PgSslMode::Allow => "allow",
        PgSslMode::Prefer => "prefer",
        PgSslMode::Require => "require",
        PgSslMode::VerifyCa => "verify-ca",
        PgSslMode::VerifyFull => "verify-full",
    };
    let password = parsed.password().filter(|password| !password.is_empty());
    let password = password.map(decode).or_else(|| parameter(&["password"]));
    let variables = [
        ("PGHOST", Some(host.unwrap_or_else(|| options.get_host().to_owned()))),
        ("PGPORT", Some(options.get_port().to_string())),
        ("PGUSER", Some(options.get_username().to_owned())),
        ("PGDATABASE", options.get_database().map(str::to_owned)),
        ("PGSSLMODE", Some(ssl_mode.to_owned())),
        ("PGSSLROOTCERT", parameter(&["sslrootcert", "ssl-root-cert", "ssl-ca"])),
        ("PGSSLCERT", parameter(&["sslcert", "ssl-cert"])),
        ("PGSSLKEY", parameter(&["sslkey", "ssl-key"])),
        ("PGPASSWORD", password),
    ];
    let set = |(name, value): (&'static str, Option<String>)| Some((name, value?));
    Ok(variables.into_iter().filter_map(set).collect())
}

/// The text that is percent-encoded in a URL.
fn decode(text: &str) -> String {
    let escaped = text.replace('+', "%2B");
    let pairs = format!("p={escaped}");
    let mut pairs = url::form_urlencoded::parse(pairs.as_bytes());
    pairs.next().map_or_else(String::new, |(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_told_in_the_environment_alone() {
        let url =
            "postgres://ann:p%40ss+w%2Frd@db.example:6432/shop?sslmode=require&sslrootcert=/ca.pem";
        let variables = environment(url).expect("a url");
        let value =
            |name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        assert_eq!(value("PGHOST"), Some("db.example"));
        assert_eq!(value("PGPORT"), Some("6432"));
        assert_eq!(value("PGUSER"), Some("ann"));
        assert_eq!(value("PGDATABASE"), Some("shop"));
        assert_eq!(value("PGSSLMODE"), Some("require"));
        assert_eq!(value("PGSSLROOTCERT"), Some("/ca.pem"));
        assert_eq!(value("PGPASSWORD"), Some("p@ss+w/rd"));
    }
}
