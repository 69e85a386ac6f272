//! Completions: what a person may mean by the first letters of an argument.

use chrono::{Days, Utc};
use rmcp::model::Reference;
use serde_json::{Value, json};

use super::registry::{self, Entry};
use super::{CallContext, Engine, Tool, customers};
use crate::config::Toolset;
use crate::domain::appointment::{ServiceType, Status};
use crate::domain::local_time::local_date;
use crate::domain::time::Timestamp;

/// How many letters of a customer's name have to be typed: fewer would tell anybody the shop's customers.
const NAME_CHARACTERS: usize = 3;
/// How many customers are told at most.
const NAMES: usize = 10;
/// How many days are told by their date.
const DATES: u64 = 14;
/// How many values MCP allows.
const MOST: usize = 100;

impl Engine {
    /// What the argument of a prompt or a resource template may be; nothing where there is no such one.
    pub async fn complete(
        &self,
        reference: &Reference,
        argument: &str,
        typed: &str,
        context: &CallContext,
    ) -> Vec<String> {
        let is_taken = match reference {
            Reference::Prompt(prompt) => self.prompt_takes(&prompt.name, argument),
            Reference::Resource(resource) => self.template_takes(&resource.uri, argument),
            _ => false,
        };
        if !is_taken {
            return Vec::new();
        }
        let names = |all: &[crate::domain::shop::Resource]| {
            all.iter().map(|bay| bay.name.clone()).collect::<Vec<_>>()
        };
        match argument {
            "service_type" => matching(ServiceType::ALL.iter().map(ToString::to_string), typed),
            "status" => matching(Status::ALL.iter().map(ToString::to_string), typed),
            "bay" => matching(names(&self.shop().bays), typed),
            "date" => matching(self.days(), typed),
            "customer" => self.customers_named(typed, context).await,
            _ => Vec::new(),
        }
    }

    /// The days that people speak of, and the next dates.
    fn days(&self) -> Vec<String> {
        let today = local_date(Timestamp::from(Utc::now()), self.shop().zone);
        let dates = (0..DATES).filter_map(|ahead| today.checked_add_days(Days::new(ahead)));
        let words = ["today", "tomorrow"].map(str::to_owned);
        words.into_iter().chain(dates.map(|date| date.to_string())).collect()
    }

    async fn customers_named(&self, typed: &str, context: &CallContext) -> Vec<String> {
        let letters = typed.chars().filter(|c| c.is_alphanumeric()).count();
        let is_allowed = self.config().server.toolsets.contains(&Toolset::Crm);
        let search = registry::find(customers::searching::SearchCustomers::NAME);
        let (true, Some(search)) = (is_allowed && letters >= NAME_CHARACTERS, search) else {
            return Vec::new();
        };
        let found = self.data_of(search, json!({"query": typed, "limit": NAMES}), context).await;
        let found = found.ok().and_then(|mut data| match data.get_mut("customers")?.take() {
            Value::Array(customers) => Some(customers),
            _ => None,
        });
        let name = |customer: &Value| {
            Some(format!(
                "{} {}",
                customer["first_name"].as_str()?,
                customer["last_name"].as_str()?
            ))
        };
        let mut names: Vec<String> = found.unwrap_or_default().iter().filter_map(name).collect();
        names.dedup();
        names
    }

    /// The data of a tool's success, or its refusal, whatever the profile.
    pub(super) async fn data_of(
        &self,
        entry: &'static Entry,
        arguments: Value,
        context: &CallContext,
    ) -> Result<Value, super::Reply> {
        let reply = self.answer(entry, arguments, context).await;
        let data = serde_json::from_str::<Value>(&reply.text).ok();
        match data.and_then(|mut envelope| Some(envelope.get_mut("data")?.take())) {
            Some(data) if !reply.is_error => Ok(data),
            _ => Err(reply),
        }
    }
}

/// Those that begin with what was typed, and then those that have it further on.
fn matching(values: impl IntoIterator<Item = String>, typed: &str) -> Vec<String> {
    let typed = typed.trim().to_lowercase();
    let (mut first, others): (Vec<String>, Vec<String>) =
        values.into_iter().partition(|value| value.to_lowercase().starts_with(&typed));
    first.extend(others.into_iter().filter(|value| value.to_lowercase().contains(&typed)));
    first.truncate(MOST);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_the_letters_comes_first() {
        let check = |typed: &str, expected: &[&str]| {
            let values = ["brake_service", "oil_change", "inspection", "brake_inspection"];
            assert_eq!(matching(values.map(str::to_owned), typed), expected);
        };
        check("", &["brake_service", "oil_change", "inspection", "brake_inspection"]);
        check("IN", &["inspection", "brake_inspection"]);
        check(" brake", &["brake_service", "brake_inspection"]);
        check("x", &[]);
    }
}
