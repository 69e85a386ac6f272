//! `servicebay call`: one tool call without MCP.

use std::io::{self, Read, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::config::Config;
use crate::tools::{CallContext, Engine};

/// How often a search is made at most, while others write on and on.
const MOST_SEARCHES: u32 = 5;

/// The command's arguments.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The tool's name.
    tool: String,
    /// Its arguments as a JSON object, or - to read them from standard input.
    #[arg(default_value = "{}")]
    arguments: String,
}

/// Calls the tool and prints the envelope of its reply.
pub async fn run(config: Config, Arguments { tool, arguments }: Arguments) -> io::Result<ExitCode> {
    let text = match arguments.as_str() {
        "-" => read_input()?,
        _ => arguments,
    };
    // What is no JSON is refused by the tool, as any wrong argument is.
    let arguments = serde_json::from_str(&text).unwrap_or(Value::String(text));
    let engine = Engine::new(config);
    let context = CallContext::default();
    let mut reply = engine.call(&tool, arguments.clone(), &context).await;
    let mut searches = 1;
    // Where the index had to catch up, the reply may lack customers, or is a refusal; and records that somebody else
    // was changing meanwhile are left for later.
    while engine.finish_indexing().await && engine.is_read_only(&tool) && searches < MOST_SEARCHES {
        reply = engine.call(&tool, arguments.clone(), &context).await;
        searches += 1;
    }
    engine.close().await;
    writeln!(io::stdout(), "{}", reply.text)?;
    Ok(ExitCode::from(u8::from(reply.is_error)))
}

fn read_input() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
