//! The user's folders, and how a path that the user wrote becomes an absolute one.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

/// The user's folders.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folders {
    /// What `~` stands for.
    pub home: PathBuf,
    /// This program's folder for its configuration.
    pub config: PathBuf,
    /// This program's folder for its data.
    pub data: PathBuf,
}

impl Folders {
    /// The folders of the user who runs this process, by the XDG rules (on Windows: by its own);
    /// `None` where the user has no home.
    pub fn of_user() -> Option<Self> {
        let base = etcetera::choose_base_strategy().ok()?;
        let home = base.home_dir().to_owned();
        let [config, data] =
            [base.config_dir(), base.data_dir()].map(|folder| folder.join("servicebay"));
        home.is_absolute().then_some(Self { home, config, data })
    }
}

/// `path` from the working directory on, with `~/` as the home folder.
///
/// An MCP client starts the program without a shell, so nobody else expands the `~`.
pub(super) fn absolute(path: &Path, folders: Option<&Folders>) -> Result<PathBuf, String> {
    let path = match (path.strip_prefix("~"), folders) {
        (Ok(rest), Some(folders)) => folders.home.join(rest),
        (Ok(_), None) => return Err("starts with ~, but there is no home folder".to_owned()),
        (Err(_), _) => path.to_owned(),
    };
    std::path::absolute(path).map_err(|error| format!("is no usable path ({error})"))
}
