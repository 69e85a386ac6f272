//! Shows calls and replies to a person.

#![expect(clippy::indexing_slicing, reason = "a JSON value without the key reads as null")]

use std::io::{self, IsTerminal, Write};
use std::time::Instant;

use serde_json::{Map, Value};

use crate::tools::{CallContext, Engine};

/// How wide a line of listed values may grow.
const WIDTH: usize = 96;

/// Where the visit is played.
pub struct Stage<'a> {
    engine: &'a Engine,
    out: io::Stdout,
    colors: Colors,
    scenes: usize,
}

/// The ANSI codes of each kind of text; empty where nobody would see the color.
struct Colors {
    bold: &'static str,
    dim: &'static str,
    call: &'static str,
    good: &'static str,
    bad: &'static str,
    off: &'static str,
}

impl Colors {
    fn detect(out: &io::Stdout) -> Self {
        // <https://no-color.org>
        let wanted =
            out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        let code = |code| if wanted { code } else { "" };
        Self {
            bold: code("\x1b[1m"),
            dim: code("\x1b[2m"),
            call: code("\x1b[36m"),
            good: code("\x1b[32m"),
            bad: code("\x1b[33m"),
            off: code("\x1b[0m"),
        }
    }
}

impl<'a> Stage<'a> {
    /// Opens the curtain.
    pub fn open(engine: &'a Engine) -> io::Result<Self> {
        let out = io::stdout();
        let stage = Self { engine, colors: Colors::detect(&out), out, scenes: 0 };
        let Colors { bold, off, dim, .. } = stage.colors;
        writeln!(&stage.out, "{bold}servicebay: a visit at the front desk{off}")?;
        let shop = format!("a sample shop in {}, one bay, records in memory", engine.shop().zone);
        writeln!(&stage.out, "{dim}{shop}; nothing of it is kept{off}")?;
        Ok(stage)
    }

    /// What happens next.
    pub fn scene(&mut self, text: &str) -> io::Result<()> {
        self.scenes += 1;
        let Colors { bold, off, .. } = self.colors;
        writeln!(&self.out, "\n{bold}{:>2}. {text}{off}", self.scenes)
    }

    /// A word to the person who watches.
    pub fn aside(&self, text: &str) -> io::Result<()> {
        let Colors { dim, off, .. } = self.colors;
        writeln!(&self.out, "    {dim}({text}){off}")
    }

    /// Makes a call and shows it; the data of a success.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> io::Result<Option<Value>> {
        let envelope = self.show(tool, arguments).await?;
        let is_success = envelope["success"] == true;
        Ok(is_success.then(|| envelope["data"].clone()))
    }

    /// Makes a call that is to be refused and shows it; the data of the refusal.
    pub async fn refused(
        &mut self,
        tool: &str,
        arguments: Value,
        code: &str,
    ) -> io::Result<Option<Value>> {
        let envelope = self.show(tool, arguments).await?;
        Ok((envelope["code"] == code).then(|| envelope["data"].clone()))
    }

    async fn show(&mut self, tool: &str, arguments: Value) -> io::Result<Value> {
        let Colors { call, good, bad, dim, off, .. } = self.colors;
        writeln!(&self.out, "    {call}→ {tool}{off} {arguments}")?;
        let started = Instant::now();
        let reply = self.engine.call(tool, arguments, &CallContext::default()).await;
        let elapsed = started.elapsed();
        let envelope: Value = serde_json::from_str(&reply.text)?;
        let message = envelope["message"].as_str().unwrap_or_default();
        let color = if reply.is_error { bad } else { good };
        writeln!(&self.out, "    {color}← {message}{off} {dim}{elapsed:.0?}{off}")?;
        let rest = envelope.as_object().into_iter().flatten();
        for (key, value) in rest.filter(|(key, _)| !matches!(key.as_str(), "success" | "message")) {
            match (key.as_str(), value) {
                ("data", Value::Object(data)) => self.object(data, 6)?,
                _ => self.line(6, key, value)?,
            }
        }
        Ok(envelope)
    }

    fn object(&self, object: &Map<String, Value>, indent: usize) -> io::Result<()> {
        object.iter().try_for_each(|(key, value)| self.line(indent, key, value))
    }

    fn line(&self, indent: usize, key: &str, value: &Value) -> io::Result<()> {
        let Colors { dim, off, .. } = self.colors;
        match value {
            Value::Object(object) => {
                writeln!(&self.out, "{:indent$}{dim}{key}:{off}", "")?;
                self.object(object, indent + 2)
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                writeln!(&self.out, "{:indent$}{dim}{key}:{off}", "")?;
                items.iter().try_for_each(|item| self.line(indent + 2, "-", item))
            }
            Value::Array(items) => {
                let texts: Vec<String> = items.iter().map(plain).collect();
                writeln!(&self.out, "{:indent$}{dim}{key}:{off} {}", "", wrap(&texts, indent + 2))
            }
            _ => writeln!(&self.out, "{:indent$}{dim}{key}:{off} {}", "", plain(value)),
        }
    }

    /// Closes the curtain.
    pub fn close(&self, went_well: bool) -> io::Result<()> {
        let Colors { bold, bad, off, .. } = self.colors;
        if went_well {
            writeln!(
                &self.out,
                "\n{bold}That was the whole visit.{off} Put servicebay into your assistant's mcp.json to play it yourself."
            )
        } else {
            writeln!(
                &self.out,
                "\n{bad}The visit did not go as it should; `servicebay doctor` may know why.{off}"
            )
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// Joins texts by commas into lines that fit the screen.
fn wrap(texts: &[String], indent: usize) -> String {
    let mut joined = String::new();
    let mut width = indent;
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            joined.push_str(", ");
        }
        if width + text.len() > WIDTH {
            joined.push_str(&format!("\n{:indent$}", ""));
            width = indent;
        }
        joined.push_str(text);
        width += text.len() + 2;
    }
    joined
}
