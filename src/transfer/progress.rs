//! How far an import or an export is: a bar on a terminal, a line now and then elsewhere.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where nobody watches.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

/// How far one file is.
pub struct Progress {
    name: String,
    length: u64,
    bar: Option<ProgressBar>,
    last_line: Instant,
}

impl Progress {
    /// Begins with a file of so many bytes or rows.
    pub fn begin(name: &str, length: u64) -> Self {
        let bar = io::stderr().is_terminal().then(|| bar(name, length));
        Self { name: name.to_owned(), length, bar, last_line: Instant::now() }
    }

    /// So much of the file is done, and so many rows of it.
    pub fn advance(&mut self, done: u64, rows: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done.min(self.length));
            bar.set_message(format!("{rows} rows"));
        } else if self.last_line.elapsed() > BETWEEN_LINES {
            self.last_line = Instant::now();
            let percent = done.min(self.length) * 100 / self.length.max(1);
            say(&format!("{}: {percent} %, {rows} rows", self.name));
        }
    }

    /// Ends with a sentence.
    pub fn finish(self, sentence: &str) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
        say(sentence);
    }
}

/// A line on standard error, which nobody needs to read.
pub fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn bar(name: &str, length: u64) -> ProgressBar {
    let template = "{prefix} [{bar:30}] {percent:>3} % {msg}, {eta} to go";
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(length).with_style(style).with_prefix(name.to_owned())
}
