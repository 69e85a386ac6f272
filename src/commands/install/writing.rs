//! Replaces a client's file as a whole or not at all, and keeps what it was.

use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A client's file as it was when it was read.
#[derive(Debug)]
pub struct Original {
    /// The file itself, where the client's path is a link to it.
    path: PathBuf,
    /// What it holds; `None`: there is none.
    text: Option<String>,
}

/// What became of a file.
#[derive(Debug)]
pub enum Outcome {
    /// It is replaced; what it was is in the file named here, if there was one.
    Replaced(Option<PathBuf>),
    /// Somebody else changed it meanwhile: it has to be read anew.
    Overtaken,
}

impl Original {
    /// Reads what is there.
    pub fn read(path: &Path) -> io::Result<Self> {
        // The link stays a link: it is its target that is replaced.
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(_) if path.is_symlink() => {
                return Err(io::Error::other("is a link to a file that is not there"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => path.to_owned(),
            Err(error) => return Err(error),
        };
        let text = read(&path)?;
        Ok(Self { path, text })
    }

    /// What it holds, nothing where there is no file.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Puts `text` in its place, in one step: whoever reads meanwhile reads the old or the new one.
    pub fn replace(&self, text: &str) -> io::Result<Outcome> {
        let folder = self.path.parent().ok_or_else(|| io::Error::other("is no file"))?;
        fs::create_dir_all(folder)?;
        let mut draft = tempfile::Builder::new().prefix(".servicebay.").tempfile_in(folder)?;
        draft.write_all(text.as_bytes())?;
        if self.text.is_some() {
            keep_access(&draft, &fs::metadata(&self.path)?)?;
        }
        draft.as_file().sync_all()?;
        if read(&self.path)? != self.text {
            return Ok(Outcome::Overtaken);
        }
        let backup = self.text.as_ref().map(|_| back_up(&self.path)).transpose()?;
        match self.text {
            Some(_) => draft.persist(&self.path),
            None => draft.persist_noclobber(&self.path),
        }
        .map_err(|error| error.error)?;
        Ok(Outcome::Replaced(backup))
    }
}

fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.is_file() => return Err(io::Error::other("is no file")),
        Ok(_) => (),
    }
    match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::InvalidData => {
            Err(io::Error::other("is not UTF-8"))
        }
        text => text.map(Some),
    }
}

/// Lets the same people read and write the draft as the file.
fn keep_access(draft: &tempfile::NamedTempFile, file: &Metadata) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let own = draft.as_file().metadata()?;
        if (own.uid(), own.gid()) != (file.uid(), file.gid()) {
            chown(draft.path(), Some(file.uid()), Some(file.gid()))?;
        }
    }
    draft.as_file().set_permissions(file.permissions())
}

/// Keeps the file under a second name beside it.
fn back_up(path: &Path) -> io::Result<PathBuf> {
    for number in 0..1000 {
        let mut name = path.as_os_str().to_owned();
        name.push(match number {
            0 => OsString::from(".bak"),
            _ => OsString::from(format!(".bak{number}")),
        });
        let backup = PathBuf::from(name);
        // A second name for the file keeps its owner and access, and takes no other file's place.
        match fs::hard_link(path, &backup) {
            Ok(()) => return Ok(backup),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => (),
            // Some file systems have no second names.
            Err(_) if !backup.try_exists()? => return fs::copy(path, &backup).map(|_| backup),
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("has a thousand backups; remove some of them"))
}
