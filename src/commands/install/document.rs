//! A client's file as text: one server is written into it or taken out, and nothing else changes.
//!
//! The files are JSON that may have comments and trailing commas. The text is edited where the server
//! is; what comes out is read again and held against what went in, and a file in which that fails is
//! refused.

use jsonc_parser::ParseOptions;
use jsonc_parser::cst::{CstInputValue, CstObject, CstRootNode};
use serde_json::{Map, Value};

/// Why a file is left alone.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// It is no JSON.
    #[error("is no JSON that can be read: {0}")]
    Malformed(String),
    /// Something in it should be an object and is not.
    #[error("holds {0}, which should be an object and is not")]
    NoObject(String),
    /// The edit would have changed more than the server.
    #[error("cannot be changed without changing more than this server; does a key occur twice?")]
    Unfaithful,
}

/// The mark with which some editors begin a file.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// A client's file.
#[derive(Debug)]
pub struct Document<'a> {
    mark: &'a str,
    text: &'a str,
    section: &'a str,
    value: Map<String, Value>,
}

impl<'a> Document<'a> {
    /// Reads a file that lists its servers under the key `section`; an empty one is an empty object.
    pub fn read(text: &'a str, section: &'a str) -> Result<Self, Refused> {
        let (mark, text) = match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => (BYTE_ORDER_MARK, rest),
            None => ("", text),
        };
        let value = match parse(text)? {
            Value::Object(value) => value,
            Value::Null if tree(text)?.value().is_none() => Map::new(),
            _ => return Err(Refused::NoObject("one value".to_owned())),
        };
        if value.get(section).is_some_and(|servers| !servers.is_object()) {
            return Err(Refused::NoObject(format!("{section:?}")));
        }
        Ok(Self { mark, text, section, value })
    }

    /// The server of this name.
    pub fn server(&self, name: &str) -> Option<&Value> {
        self.value.get(self.section)?.get(name)
    }

    /// The text with `server` under this name.
    pub fn with(&self, name: &str, server: &Map<String, Value>) -> Result<String, Refused> {
        if self.server(name).and_then(Value::as_object) == Some(server) {
            return Ok(self.unchanged());
        }
        let tree = tree(self.text)?;
        let file = tree.object_value_or_create().ok_or(Refused::Unfaithful)?;
        let servers = file.object_value_or_create(self.section).ok_or(Refused::Unfaithful)?;
        match servers.object_value(name) {
            Some(present) => write_into(&present, server),
            None => write(&servers, name, &Value::Object(server.clone())),
        }
        let mut expected = self.value.clone();
        let servers = expected.entry(self.section).or_insert_with(|| Map::new().into());
        if let Value::Object(servers) = servers {
            servers.insert(name.to_owned(), server.clone().into());
        }
        self.checked(&tree, &expected)
    }

    /// The text without the server of this name.
    pub fn without(&self, name: &str) -> Result<String, Refused> {
        if self.server(name).is_none() {
            return Ok(self.unchanged());
        }
        let tree = tree(self.text)?;
        let servers = tree.object_value().and_then(|file| file.object_value(self.section));
        if let Some(server) = servers.and_then(|servers| servers.get(name)) {
            server.remove();
        }
        let mut expected = self.value.clone();
        if let Some(Value::Object(servers)) = expected.get_mut(self.section) {
            servers.shift_remove(name);
        }
        self.checked(&tree, &expected)
    }

    fn unchanged(&self) -> String {
        format!("{}{}", self.mark, self.text)
    }

    fn checked(
        &self,
        tree: &CstRootNode,
        expected: &Map<String, Value>,
    ) -> Result<String, Refused> {
        let text = tree.to_string();
        if parse(&text)?.as_object() != Some(expected) {
            return Err(Refused::Unfaithful);
        }
        Ok(format!("{}{text}", self.mark))
    }
}

/// Writes those values of `server` that `present` has not, or has otherwise.
fn write_into(present: &CstObject, server: &Map<String, Value>) {
    for (key, value) in server {
        let old = present.get(key).and_then(|old| old.to_serde_value());
        match (present.object_value(key), value) {
            _ if old.as_ref() == Some(value) => (),
            (Some(inner), Value::Object(value)) => write_into(&inner, value),
            _ => write(present, key, value),
        }
    }
}

fn write(object: &CstObject, key: &str, value: &Value) {
    match object.get(key) {
        Some(present) => present.set_value(input(value)),
        None => drop(object.append(key, input(value))),
    }
}

fn input(value: &Value) -> CstInputValue {
    match value {
        Value::Null => CstInputValue::Null,
        Value::Bool(value) => CstInputValue::Bool(*value),
        Value::Number(value) => CstInputValue::Number(value.to_string()),
        Value::String(value) => CstInputValue::String(value.clone()),
        Value::Array(values) => CstInputValue::Array(values.iter().map(input).collect()),
        Value::Object(values) => {
            let pairs = values.iter().map(|(key, value)| (key.clone(), input(value)));
            CstInputValue::Object(pairs.collect())
        }
    }
}

/// JSON with comments and trailing commas, as the editors among the clients read it.
fn options() -> ParseOptions {
    ParseOptions {
        allow_comments: true,
        allow_loose_object_property_names: false,
        allow_trailing_commas: true,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    }
}

fn tree(text: &str) -> Result<CstRootNode, Refused> {
    CstRootNode::parse(text, &options()).map_err(|error| Refused::Malformed(error.to_string()))
}

fn parse(text: &str) -> Result<Value, Refused> {
    jsonc_parser::parse_to_serde_value(text, &options())
        .map_err(|error| Refused::Malformed(error.to_string()))
}

#[cfg(test)]
mod tests;
