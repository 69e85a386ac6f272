//! `servicebay install`: tells a client of this server, by writing it into the client's own file.

mod clients;
mod document;
mod entry;
mod variables;
mod writing;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use crate::config::{Config, Folders};
use clients::{Client, Places, Platform};
use document::Document;
use entry::Entry;
use writing::{Original, Outcome};

/// How often a file is read anew that its client changes at the same time.
const ATTEMPTS: usize = 5;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The program that is to start the server.
    client: Client,
    /// A setting for the server, as in SHOP_TIMEZONE=America/New_York; may be repeated.
    ///
    /// What was set by an earlier installation stays unless it is set anew.
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = entry::variable)]
    environment: Vec<(String, String)>,
    /// The name under which the client knows the server.
    #[arg(long, default_value = "servicebay", value_parser = entry::name)]
    name: String,
    /// Only print what belongs into the client's file.
    #[arg(long, conflicts_with = "uninstall")]
    print: bool,
    /// Take the server out of the client's file again.
    #[arg(long, conflicts_with = "environment")]
    uninstall: bool,
}

/// Writes the server into the client's file, prints what belongs there, or takes it out.
pub fn run(config: Option<&Path>, arguments: Arguments) -> io::Result<ExitCode> {
    let Arguments { client, environment, name, print, uninstall } = arguments;
    let environment: BTreeMap<String, String> = environment.into_iter().collect();
    variables::check(&environment).map_err(io::Error::other)?;
    let environment = variables::from_anywhere(environment)?;
    let entry = Entry::of_this_program(config, environment)?;
    let home = Folders::of_user().map(|folders| folders.home);
    let places = Places::of_user(home.ok_or_else(|| io::Error::other("there is no home folder"))?);
    let file = File { client, path: client.file(Platform::of_this_build(), &places), name };
    let by_hand = print || client == Client::Codex;
    match (uninstall, by_hand) {
        (true, true) => Err(io::Error::other(file.told(
            "is TOML, which this program does not rewrite; remove the server from it by hand",
        ))),
        (true, false) => file.remove(&entry),
        (false, true) => file.print(&entry),
        (false, false) => file.write(&entry),
    }
}

/// Refuses what the server would refuse when the client starts it.
fn check_settings(entry: &Entry) -> Result<(), String> {
    let env = |name: &str| entry.environment.get(name).cloned();
    // A client may put something in the place of `${…}`, or start the server in a folder of its own.
    let config = entry.config.as_deref().map(Path::new).filter(|path| path.is_absolute());
    Config::load_with(config, &env).map_err(|why| why.to_string()).map(drop)
}

/// The file of one client, and the server's name in it.
struct File {
    client: Client,
    path: PathBuf,
    name: String,
}

impl File {
    /// What is wrong with the file, in one line.
    fn told(&self, problem: impl Display) -> String {
        format!("{}: {} {problem}", self.client.title(), self.path.display())
    }

    /// Prints the server as the file would hold it, with what an earlier installation has set.
    fn print(&self, entry: &Entry) -> io::Result<ExitCode> {
        let File { client, path, name } = self;
        let text = if *client == Client::Codex {
            check_settings(entry).map_err(io::Error::other)?;
            toml(client.section(), name, entry)
        } else {
            let original = Original::read(path).map_err(|why| io::Error::other(self.told(why)))?;
            let document = Document::read(original.text(), client.section())
                .map_err(|why| io::Error::other(self.told(why)))?;
            let server = self.server(&document, entry).map_err(io::Error::other)?;
            let document = json!({ client.section(): { name: server } });
            format!("{}\n", serde_json::to_string_pretty(&document)?)
        };
        self.warn_of_secrets(entry)?;
        writeln!(io::stderr(), "This belongs into {}:", path.display())?;
        io::stdout().write_all(text.as_bytes())?;
        Ok(ExitCode::SUCCESS)
    }

    /// Writes the server into the file, keeping all else.
    fn write(&self, entry: &Entry) -> io::Result<ExitCode> {
        let File { client, path, name } = self;
        let is_new = path.parent().is_some_and(|folder| !folder.exists());
        let backup = self.edit(|document| {
            let server = self.server(document, entry)?;
            document.with(name, &server).map_err(|why| self.told(why))
        })?;
        let title = client.title();
        let mut out = io::stdout();
        match backup {
            None => writeln!(out, "{title} has {name} already, in {}.", path.display())?,
            Some(backup) => {
                self.warn_of_secrets(entry)?;
                writeln!(out, "{title} has {name} now, in {}.", path.display())?;
                tell_backup(backup.as_deref())?;
                if is_new {
                    let note = "had nothing there before; is it installed?";
                    writeln!(io::stderr(), "note: {title} {note}")?;
                }
                writeln!(
                    out,
                    "Start {title} anew. `servicebay doctor` says what is to be mended."
                )?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Takes the server out of the file, keeping all else.
    fn remove(&self, entry: &Entry) -> io::Result<ExitCode> {
        let File { client, path, name } = self;
        let backup = self.edit(|document| {
            self.own(document, entry)?;
            document.without(name).map_err(|why| self.told(why))
        })?;
        let title = client.title();
        match backup {
            None => writeln!(io::stdout(), "{title} has no {name}, in {}.", path.display())?,
            Some(backup) => {
                writeln!(io::stdout(), "{title} has {name} no more, in {}.", path.display())?;
                tell_backup(backup.as_deref())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The server as the file is to hold it, with what an earlier installation has set.
    fn server(
        &self,
        document: &Document<'_>,
        entry: &Entry,
    ) -> Result<serde_json::Map<String, serde_json::Value>, String> {
        let present = self.own(document, entry)?;
        let entry = entry.keeping_config(present);
        check_settings(&entry)?;
        Ok(entry.merged(self.client, present))
    }

    /// The server that the file holds, which has to be this program.
    fn own<'d>(
        &self,
        document: &'d Document<'_>,
        entry: &Entry,
    ) -> Result<Option<&'d serde_json::Map<String, serde_json::Value>>, String> {
        let Some(server) = document.server(&self.name) else { return Ok(None) };
        if !entry.is(server) {
            let name = &self.name;
            let problem = format!("has another server called {name}; choose a name with --name");
            return Err(self.told(problem));
        }
        Ok(server.as_object())
    }

    /// Replaces the file by what `change` makes of it; `None`: there was nothing to change, else the
    /// backup, where there was a file.
    fn edit(
        &self,
        change: impl Fn(&Document) -> Result<String, String>,
    ) -> io::Result<Option<Option<PathBuf>>> {
        let named = |error: io::Error| io::Error::other(self.told(error));
        for _ in 0..ATTEMPTS {
            let original = Original::read(&self.path).map_err(named)?;
            let document = Document::read(original.text(), self.client.section())
                .map_err(|why| io::Error::other(self.told(why)))?;
            let text = change(&document).map_err(io::Error::other)?;
            if text == original.text() {
                return Ok(None);
            }
            if let Outcome::Replaced(backup) = original.replace(&text).map_err(named)? {
                return Ok(Some(backup));
            }
        }
        Err(io::Error::other(self.told("changes all the time; quit the program first")))
    }

    fn warn_of_secrets(&self, entry: &Entry) -> io::Result<()> {
        for name in entry.secrets() {
            writeln!(
                io::stderr(),
                "warning: {name} is a secret, and {} holds it as plain text; {name}_FILE may name a \
                 file that holds it instead",
                self.path.display(),
            )?;
        }
        Ok(())
    }
}

fn tell_backup(backup: Option<&Path>) -> io::Result<()> {
    match backup {
        Some(path) => writeln!(io::stdout(), "What it was is in {}.", path.display()),
        None => Ok(()),
    }
}

/// The server as TOML, whose basic strings are JSON's.
fn toml(section: &str, name: &str, entry: &Entry) -> String {
    let Entry { command, environment, .. } = entry;
    let arguments = json!(entry.arguments());
    let mut text =
        format!("[{section}.{name}]\ncommand = {}\nargs = {arguments}\n", json!(command));
    if !environment.is_empty() {
        text.push_str(&format!("\n[{section}.{name}.env]\n"));
        for (key, value) in environment {
            text.push_str(&format!("{key} = {}\n", json!(value)));
        }
    }
    text
}
