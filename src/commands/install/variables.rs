//! The settings that a client is told: whether the server knows them, and paths that hold wherever the
//! client starts it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use crate::config::Config;

/// What else the program, its libraries or the system read.
const OTHERS: [&str; 13] = [
    "ALL_PROXY",
    "APPDATA",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LOCALAPPDATA",
    "NO_COLOR",
    "NO_PROXY",
    "PATH",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "TZ",
    "USERPROFILE",
];
const OTHER_FAMILIES: [&str; 4] = ["OTEL_", "PG", "SSL_CERT_", "XDG_"];
/// Settings that name a file, beside those that end with `_FILE`.
const PATHS: [&str; 2] = ["GOOGLE_APPLICATION_CREDENTIALS", "SERVICEBAY_CONFIG"];
/// How many letters a name may be away from the one that was meant.
const MISSPELLED: usize = 3;

/// Refuses names that nothing reads: the client would be told in vain.
pub fn check(environment: &BTreeMap<String, String>) -> Result<(), String> {
    let known = Config::variables();
    environment.keys().try_for_each(|name| check_one(name, &known))
}

fn check_one(name: &str, known: &[String]) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    let is_other = OTHERS.contains(&upper.as_str())
        || OTHER_FAMILIES.iter().any(|family| name.starts_with(family));
    if is_other || known.iter().any(|known| known == name) {
        return Ok(());
    }
    let nearest = known.iter().map(|known| (distance(&upper, known), known)).min();
    Err(match nearest {
        Some((away, nearest)) if away <= MISSPELLED => {
            format!("--env {name} is no setting; did you mean {nearest}?")
        }
        _ => format!(
            "--env {name} is no setting; `servicebay config` shows all of them, and [shop] timezone is \
             SHOP_TIMEZONE"
        ),
    })
}

/// How many letters have to be put in, taken away or changed to make one text of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, a) in one.bytes().enumerate() {
        let mut diagonal = index;
        let mut left = index + 1;
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (place, b) in row.iter_mut().skip(1).zip(other.bytes()) {
            let changed = diagonal + usize::from(a != b);
            diagonal = *place;
            left = changed.min(left + 1).min(diagonal + 1);
            *place = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The same settings with paths from the root on: a client starts the server in a folder of its own.
pub fn from_anywhere(
    environment: BTreeMap<String, String>,
) -> io::Result<BTreeMap<String, String>> {
    let from_anywhere = |(name, value): (String, String)| {
        let value = match name.as_str() {
            "DATABASE_URL" => database(&value)?,
            path if path.ends_with("_FILE") || PATHS.contains(&path) => absolute(&value)?,
            _ => None,
        }
        .unwrap_or(value);
        Ok((name, value))
    };
    environment.into_iter().map(from_anywhere).collect()
}

fn database(url: &str) -> io::Result<Option<String>> {
    let Some(path) = url.trim().strip_prefix("sqlite:") else { return Ok(None) };
    match path.strip_prefix("//").unwrap_or(path) {
        ":memory:" => Ok(None),
        path => Ok(absolute(path)?.map(|path| format!("sqlite:{path}"))),
    }
}

/// The whole path; `None` where it is one already, the home folder's `~` included.
fn absolute(text: &str) -> io::Result<Option<String>> {
    let path = Path::new(text.trim());
    if text.trim().is_empty() || path.is_absolute() || path.starts_with("~") {
        return Ok(None);
    }
    let path = std::path::absolute(path)?.into_os_string().into_string();
    path.map(Some).map_err(|path| io::Error::other(format!("{path:?} is not UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_nothing_reads_is_refused_with_the_one_that_was_meant() {
        let check = |name: &str| check_one(name, &Config::variables());
        for known in ["SHOP_BAYS", "DATABASE_URL_FILE", "RUST_LOG", "https_proxy", "PGPASSFILE"] {
            assert_eq!(check(known), Ok(()), "{known}");
        }
        assert!(check("SHOP_BAY").unwrap_err().ends_with("did you mean SHOP_BAYS?"));
        assert!(check("shop_timezone").unwrap_err().ends_with("did you mean SHOP_TIMEZONE?"));
        assert!(check("FAVOURITE_COLOUR").unwrap_err().contains("servicebay config"));
    }

    #[test]
    fn a_distance_counts_letters() {
        for (one, other, expected) in
            [("", "", 0), ("AB", "", 2), ("", "AB", 2), ("ABC", "ABC", 0), ("KITTEN", "SITTING", 3)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn paths_hold_from_anywhere() {
        let here = std::env::current_dir().unwrap();
        let check = |name: &str, value: &str, expected: &str| {
            let environment = [(name.to_owned(), value.to_owned())].into();
            assert_eq!(from_anywhere(environment).unwrap()[name], expected);
        };
        let file = here.join("shop.db").display().to_string();
        check("DATABASE_URL", "sqlite:shop.db", &format!("sqlite:{file}"));
        check("DATABASE_URL", "sqlite://shop.db", &format!("sqlite:{file}"));
        check("CRM_API_KEY_FILE", "shop.db", &file);
        for kept in ["sqlite::memory:", "sqlite:~/shop.db", "sqlite:/shop.db", "postgres://a/b"] {
            check("DATABASE_URL", kept, kept);
        }
        check("SHOP_BAYS", "shop.db", "shop.db");
    }
}
