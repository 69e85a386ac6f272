//! `servicebay tools`: the definitions for agents that speak no MCP.

use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::config::Config;
use crate::tools::Engine;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Whose form the definitions take.
    #[arg(long, value_enum, default_value_t = Format::Mcp)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// As `tools/list` of MCP answers.
    Mcp,
    /// The `tools` of OpenAI's chat completions.
    Openai,
    /// The `tools` of Anthropic's messages.
    Anthropic,
}

/// Prints the definitions as one JSON document.
pub fn run(config: Config, arguments: &Arguments) -> io::Result<ExitCode> {
    let engine = Engine::new(config);
    let tools = engine.definitions();
    let document = match arguments.format {
        Format::Mcp => json!({ "tools": tools }),
        Format::Openai => tools.iter().map(openai).collect(),
        Format::Anthropic => tools.iter().map(anthropic).collect(),
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &document)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}

fn openai(tool: &rmcp::model::Tool) -> Value {
    json!({
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.input_schema,
        },
    })
}

fn anthropic(tool: &rmcp::model::Tool) -> Value {
    json!({
        "name": tool.name,
        "description": tool.description,
        "input_schema": tool.input_schema,
    })
}
