//! Correcting what is on file about a customer.

mod remote;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::contact::{Contact, refuse_taken};
use super::preferences::{check_count, check_preferences};
use super::{customer_not_found, optional, phone_number, view};
use crate::clients::Upstream;
use crate::config::Toolset;
use crate::domain::customer::{AccountStatus, Customer};
use crate::domain::id::CustomerId;
use crate::domain::local_time::rfc3339;
use crate::domain::phone::PhoneNumber;
use crate::domain::preferences::drop_nulls;
use crate::domain::shop::Shop;
use crate::domain::text;
use crate::error::{Refusal, ToolError};
use crate::store::{CustomerRow, is_refused};
use crate::tools::arguments::refuse;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `update_customer`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct UpdateCustomer {
    /// From lookup_customer.
    customer_id: CustomerId,
    /// What to change; the rest stays.
    updates: Updates,
    /// True only if the caller says that the number is shared.
    allow_shared_phone: Option<bool>,
}

/// What of a customer can be changed.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(inline)]
struct Updates {
    /// First name.
    #[schemars(length(min = 1, max = 200))]
    first_name: Option<String>,
    /// Last name.
    #[schemars(length(min = 1, max = 200))]
    last_name: Option<String>,
    /// Empty removes it.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// In any usual writing.
    #[schemars(length(min = 1, max = 40))]
    phone_number: Option<String>,
    /// Whether the shop works for them.
    account_status: Option<AccountStatus>,
    /// Such as gold.
    #[schemars(length(min = 1, max = 200))]
    tier: Option<String>,
    /// 0 to 5.
    #[schemars(range(min = 0, max = 5))]
    satisfaction_score: Option<f64>,
    /// Set by name; null removes one.
    preferences: Option<Map<String, Value>>,
    /// Replaces the notes; empty removes them.
    #[schemars(length(max = 4000))]
    notes: Option<String>,
}

/// A changed customer.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Updated {
    /// The customer's number.
    customer_id: CustomerId,
    /// The fields that were set.
    updated_fields: Vec<&'static str>,
    /// When, RFC 3339 in the shop's zone.
    updated_at: String,
    /// The customer as changed.
    customer: Customer,
    /// What of the CRM's record could not be used, in sentences; absent where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for UpdateCustomer {
    const NAME: &'static str = "update_customer";
    const TITLE: &'static str = "Update a customer";
    const DESCRIPTION: &'static str = "Change what is on file about a customer. A phone or e-mail of another one fails as already_exists: are both one person, merge_customers.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: true };
    const ASKS: Option<Upstream> = Some(Upstream::Crm);
    type Data = Updated;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Updated>, ToolError> {
        let shop = call.engine.shop();
        let changes = self.updates.check(shop)?;
        let updated_fields = self.updates.named()?;
        if call.engine.crm.is_on()
            && let Some(asked) = remote::Asked::prepare(&self, &changes, call).await?
        {
            return asked.update(&changes, updated_fields, call).await;
        }
        let mut write = Write::open(call).await?;
        let Some(old) = write.session.customer(self.customer_id).await? else {
            return Err(customer_not_found(self.customer_id).into());
        };
        let row = self.apply(&changes, &old)?;
        let contact = contact(&row, &old);
        refuse_taken(&mut write.session, &contact).await?;
        match write.session.update_customer(&row).await {
            // A foreign program was faster; its row is visible once this transaction is over.
            Err(error) if is_refused(&error) => {
                drop(write);
                let mut session = call.engine.store().await?.read().await?;
                refuse_taken(&mut session, &contact).await?;
                return Err(error.into());
            }
            done => done?,
        }
        write.finish(told(row, updated_fields, Vec::new(), call)).await
    }
}

impl UpdateCustomer {
    /// The customer as changed.
    fn apply(&self, changes: &Changes, old: &CustomerRow) -> Result<CustomerRow, Refusal> {
        let mut row = changes.apply(old)?;
        if row.phone_number != old.phone_number {
            row.phone_shared = self.allow_shared_phone.unwrap_or_default();
        }
        Ok(row)
    }
}

/// How the customer is to be reached from now on: what is new of it and nobody else may have.
fn contact<'a>(row: &'a CustomerRow, old: &CustomerRow) -> Contact<'a> {
    Contact {
        own_id: Some(row.id),
        phone_number: row
            .phone_number
            .as_ref()
            .filter(|_| row.phone_number != old.phone_number && !row.phone_shared),
        email: row.email.as_deref().filter(|_| row.email != old.email),
    }
}

fn told(
    row: CustomerRow,
    updated_fields: Vec<&'static str>,
    warnings: Vec<String>,
    call: &Call<'_>,
) -> Answer<Updated> {
    let shop = call.engine.shop();
    let customer = view(row, shop);
    let message = format!("{}'s record is updated.", customer.full_name());
    let data = Updated {
        customer_id: customer.profile.id,
        updated_fields,
        updated_at: rfc3339(call.now, shop.zone),
        customer,
        warnings,
    };
    Answer::new(message, data)
}

/// The changes, checked: the outer option says whether there is one, the inner whether something
/// takes the place of what was there.
#[derive(Clone, Debug)]
struct Changes {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<Option<String>>,
    phone_number: Option<PhoneNumber>,
    account_status: Option<AccountStatus>,
    tier: Option<String>,
    satisfaction_score: Option<f64>,
    preferences: Map<String, Value>,
    notes: Option<Option<String>>,
}

impl Updates {
    fn check(&self, shop: &Shop) -> Result<Changes, Refusal> {
        let name = |field, text: &Option<String>| {
            optional(&format!("updates.{field}"), text.as_deref(), text::name)
        };
        let preferences = self.preferences.clone().unwrap_or_default();
        check_preferences(&preferences)?;
        Ok(Changes {
            first_name: name("first_name", &self.first_name)?,
            last_name: name("last_name", &self.last_name)?,
            email: optional("updates.email", self.email.as_deref(), unless_empty(text::email))?,
            phone_number: self
                .phone_number
                .as_deref()
                .map(|text| phone_number(text, shop))
                .transpose()?,
            account_status: self.account_status,
            tier: name("tier", &self.tier)?,
            satisfaction_score: self.satisfaction_score,
            preferences,
            notes: optional("updates.notes", self.notes.as_deref(), unless_empty(text::free_text))?,
        })
    }

    /// The fields that are to be set.
    fn named(&self) -> Result<Vec<&'static str>, Refusal> {
        let fields = [
            ("first_name", self.first_name.is_some()),
            ("last_name", self.last_name.is_some()),
            ("email", self.email.is_some()),
            ("phone_number", self.phone_number.is_some()),
            ("account_status", self.account_status.is_some()),
            ("tier", self.tier.is_some()),
            ("satisfaction_score", self.satisfaction_score.is_some()),
            ("preferences", self.preferences.is_some()),
            ("notes", self.notes.is_some()),
        ];
        named(&fields)
    }
}

/// The names of the fields that are set, of which there has to be one.
pub(in crate::tools) fn named(
    fields: &[(&'static str, bool)],
) -> Result<Vec<&'static str>, Refusal> {
    let set: Vec<_> = fields.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
    if set.is_empty() {
        let all: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
        return Err(refuse("updates", format!("must set at least one of {}", all.join(", "))));
    }
    Ok(set)
}

/// Reads a text that an empty one removes.
pub(in crate::tools) fn unless_empty<T, E>(
    read: impl Fn(&str) -> Result<T, E>,
) -> impl Fn(&str) -> Result<Option<T>, E> {
    move |text| if text.trim().is_empty() { Ok(None) } else { read(text).map(Some) }
}

impl Changes {
    /// The customer as changed.
    fn apply(&self, old: &CustomerRow) -> Result<CustomerRow, Refusal> {
        let changes = self.clone();
        let mut row = old.clone();
        row.first_name = changes.first_name.unwrap_or(row.first_name);
        row.last_name = changes.last_name.unwrap_or(row.last_name);
        row.email = changes.email.unwrap_or(row.email);
        row.phone_number = changes.phone_number.or(row.phone_number);
        row.account_status = changes.account_status.unwrap_or(row.account_status);
        row.tier = changes.tier.unwrap_or(row.tier);
        // A zero has no sign.
        row.satisfaction_score =
            changes.satisfaction_score.map(|score| score + 0.0).or(row.satisfaction_score);
        row.notes = changes.notes.unwrap_or(row.notes);
        if !changes.preferences.is_empty() {
            row.preferences = merge_preferences(&row.preferences, changes.preferences)?;
        }
        Ok(row)
    }
}

/// Preferences on file with others set or, where they are null, taken out.
fn merge_preferences(on_file: &str, changes: Map<String, Value>) -> Result<String, Refusal> {
    let mut preferences: Map<String, Value> = serde_json::from_str(on_file).unwrap_or_default();
    let before = preferences.len();
    for (key, mut value) in changes {
        if value.is_null() {
            preferences.shift_remove(&key);
        } else {
            drop_nulls(&mut value);
            preferences.insert(key, value);
        }
    }
    // Those of two merged records may be more.
    if preferences.len() > before {
        check_count(&preferences)?;
    }
    Ok(Value::Object(preferences).to_string())
}
