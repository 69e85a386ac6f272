//! Which database is opened; its password is never printed.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use super::folders::{self, Folders};

const ALLOWED: &str =
    "write sqlite:PATH, sqlite::memory: or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
const MASK: &str = "***";

/// The parameters of a PostgreSQL url that hold a secret.
const SECRET_PARAMETERS: [&str; 3] = ["password", "sslkey", "ssl-key"];

/// Which database is opened. `Display` and `Debug` mask the password.
#[derive(Clone, Eq, PartialEq)]
pub enum DatabaseUrl {
    /// A SQLite database.
    Sqlite(SqlitePath),
    /// The whole `postgres://` url, password included: hand it to the database alone.
    Postgres(String),
}

/// Where a SQLite database is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SqlitePath {
    /// An absolute path; the file need not exist yet.
    File(PathBuf),
    /// In this process's memory; gone with it.
    Memory,
}

impl DatabaseUrl {
    /// Reads a url; a SQLite path is taken as it is written, without percent-encoding.
    pub(super) fn parse(text: &str, folders: Option<&Folders>) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("sqlite", path)) => sqlite(path, folders).map(Self::Sqlite),
            Some(("postgres" | "postgresql", _)) => postgres(text),
            _ => Err(format!("is not the url of a database; {ALLOWED}")),
        }
    }

    /// Whether printing the whole url would tell a secret.
    pub(super) fn has_secret(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(url) => Url::parse(url).is_ok_and(|url| {
                url.password().is_some() || url.query_pairs().any(|(name, _)| is_secret(&name))
            }),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(SqlitePath::Memory) => f.write_str("sqlite::memory:"),
            Self::Sqlite(SqlitePath::File(path)) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => f.write_str(&mask(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn sqlite(path: &str, folders: Option<&Folders>) -> Result<SqlitePath, String> {
    match path.strip_prefix("//").unwrap_or(path) {
        ":memory:" => Ok(SqlitePath::Memory),
        "" => Err(format!("names no file; {ALLOWED}")),
        path if path.contains('?') => Err("has parameters; write sqlite:PATH alone".to_owned()),
        path => folders::absolute(Path::new(path), folders).map(SqlitePath::File),
    }
}

/// Checks that the url reads as the user meant it: a bare `/`, `?`, `#` or `@` in a password ends
/// the host early, and the rest of the password would be taken, and shown, as a path.
fn postgres(text: &str) -> Result<DatabaseUrl, String> {
    let url = Url::parse(text).ok().filter(|url| !url.cannot_be_a_base());
    let rest_is_plain = |url: &Url| {
        let query = url.query().unwrap_or_default();
        url.fragment().is_none() && !url.path().contains('@') && !query.contains('@')
    };
    if url.is_some_and(|url| rest_is_plain(&url)) {
        return Ok(DatabaseUrl::Postgres(text.to_owned()));
    }
    let encode = "signs such as / ? # @ in a user name or password are written %2F %3F %23 %40";
    Err(format!("is not a valid postgres url; {ALLOWED}; {encode}"))
}

fn is_secret(parameter: &str) -> bool {
    SECRET_PARAMETERS.contains(&parameter)
}

fn mask(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return format!("postgres://{MASK}") };
    if url.password().is_some() && url.set_password(Some(MASK)).is_err() {
        return format!("postgres://{MASK}");
    }
    if url.query_pairs().any(|(name, _)| is_secret(&name)) {
        let plain = url.clone();
        let masked = plain.query_pairs().map(|(name, value)| {
            let value = if is_secret(&name) { MASK.into() } else { value };
            (name, value)
        });
        url.query_pairs_mut().clear().extend_pairs(masked);
    }
    url.to_string()
}
