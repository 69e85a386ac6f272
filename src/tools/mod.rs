//! The tools: what a model reads of them, and what they do.
//!
//! A tool is one type: its fields are the arguments, its [`Tool`] implementation is the rest. To
//! add one, write it into the file of its subject and name it in `registry::ALL`.

mod appointments;
mod arguments;
mod billing;
mod booking;
mod calendar;
mod completions;
mod confirming;
mod customers;
mod engine;
mod holds;
mod insights;
mod instructions;
mod inventory;
mod paging;
mod progress;
mod prompts;
mod registry;
mod reminders;
mod remote_change;
mod reply;
mod resources;
mod schema;
mod slots;
mod staleness;
mod tickets;
mod times;
mod vehicles;
mod vin;
mod voice;
mod write;

use std::future::Future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub use confirming::{Answered, Ask, Person, always_changed};
pub use engine::{Call, CallContext, Engine};
pub use progress::{Progress, Step};
pub use prompts::Unwritten;
pub use reply::{Answer, Reply};
pub use resources::{Document, Unread};

use crate::clients::Upstream;
use crate::config::Toolset;
use crate::error::ToolError;

/// What a call of a tool does to the shop's records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// Nothing.
    Reads,
    /// It adds or changes; a repeated call with the same arguments adds nothing more where
    /// `idempotent`.
    Writes {
        /// Whether a repeated call changes nothing more.
        idempotent: bool,
    },
    /// It takes something away that cannot be put back as it was.
    Destroys,
}

/// One tool; its fields are the arguments as the schema of the type describes them.
pub trait Tool: DeserializeOwned + JsonSchema + Send + 'static {
    /// The name by which it is called.
    const NAME: &'static str;
    /// The name that people read.
    const TITLE: &'static str;
    /// What a model reads before it decides to call it.
    const DESCRIPTION: &'static str;
    /// The set it belongs to.
    const TOOLSET: Toolset;
    /// What a call does.
    const EFFECT: Effect;
    /// Whether it asks the world outside the shop.
    const OPEN_WORLD: bool = false;
    /// Whether a person confirms a call: `run` then calls `Write::confirm` before it changes anything.
    const IS_CONFIRMED: bool = false;
    /// The shop's own system that it asks where one is configured: it may then take as long as that
    /// may, and asks the world outside the shop.
    const ASKS: Option<Upstream> = None;
    /// How long a call may take in all. Every wait inside is shorter; this is for a database that
    /// stopped answering in the middle of a query.
    const LIMIT: Duration = Duration::from_secs(7);
    /// What a success carries.
    type Data: JsonSchema + Serialize + Send;

    /// Does it.
    fn run(
        self,
        call: &Call<'_>,
    ) -> impl Future<Output = Result<Answer<Self::Data>, ToolError>> + Send;
}
