//! What stops the start: one line that names the setting, its value and what is allowed.

use std::io;

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file that was named, or the one in the user's folder, cannot be read.
    #[error("{name} cannot be read")]
    Unreadable {
        /// The file, or the variable that names it and its value.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is no TOML. The line is named, never quoted: it may hold a secret.
    #[error("{file}: line {line} is not valid TOML: {problem}")]
    Syntax {
        /// The file's name.
        file: String,
        /// Counted from 1.
        line: usize,
        /// What the reader of TOML expected.
        problem: String,
    },
    /// A setting that does not exist, or a value that is not allowed.
    #[error("{setting} {problem}")]
    Refused {
        /// The variable or the file's key, as the user wrote it, with its value where it is safe.
        setting: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// Two settings of which only one may be set.
    #[error("{0} and {1} are both set; keep one of them")]
    Both(String, String),
    /// There is no folder for the default database.
    #[error(
        "there is no home folder to keep the database in; set DATABASE_URL, \
         for example to sqlite:/var/lib/servicebay/servicebay.db"
    )]
    NoHome,
}

/// What is wrong with one value; its source adds the name by which the user knows it.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The place inside a list, such as ` entry 2: date`; else empty.
    pub at: String,
    /// The value as the user may see it; `None`: it is left out.
    pub shown: Option<String>,
    /// What is wrong, and what is allowed.
    pub why: String,
}

impl Wrong {
    /// A problem that is told without the value.
    pub fn unshown(why: impl Into<String>) -> Self {
        Self { at: String::new(), shown: None, why: why.into() }
    }
}
