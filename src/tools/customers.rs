//! Finding customers and putting them on file; the tools that change them.

pub mod history;
pub mod merging;
pub mod updating;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::arguments::refuse;
use super::reply::render;
use super::write::{Begun, Write};
use super::{Answer, Call, Effect, Tool};
use crate::cache::Lookup;
use crate::config::Toolset;
use crate::domain::customer::{Candidate, Customer, DEFAULT_TIER, NewCustomer};
use crate::domain::id::CustomerId;
use crate::domain::local_time::{local_date, rfc3339};
use crate::domain::money::Money;
use crate::domain::phone::PhoneNumber;
use crate::domain::shop::Shop;
use crate::domain::text;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{CustomerRow, Session, is_refused};

/// The most keys that `preferences` may have.
const MAX_PREFERENCES: usize = 50;

/// The arguments of `lookup_customer`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct LookupCustomer {
    /// Phone number in any usual writing, such as (202) 555-0123 or +1 202 555 0123.
    #[schemars(length(max = 40))]
    phone_number: Option<String>,
    /// E-mail address; letter case does not count.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// The customer's number, as other replies give it.
    customer_id: Option<CustomerId>,
    /// The customer's id in the remote CRM.
    #[schemars(length(max = 200))]
    crm_id: Option<String>,
}

/// What `lookup_customer` found.
#[derive(Debug, JsonSchema, Serialize)]
pub struct LookedUp {
    /// Whether anybody was found.
    found: bool,
    /// Which argument the search went by.
    lookup_key: &'static str,
    /// The customer, where it is exactly one.
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<Customer>,
    /// The customers who share the phone number, where they are several; ask for the name and look
    /// up by customer_id.
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<Candidate>>,
}

impl Tool for LookupCustomer {
    const NAME: &'static str = "lookup_customer";
    const TITLE: &'static str = "Look up a customer";
    const DESCRIPTION: &'static str = "Find a customer by exactly one of phone_number, email, customer_id or crm_id. Returns the profile with all vehicles, whose ids the other tools need. Call it first, with the caller's number. Nobody found is a success with found=false: then offer create_customer. Several people may share a phone number: then candidates are returned; ask for the name.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Reads;
    type Data = LookedUp;

    async fn run(self, call: &Call<'_>) -> Result<Answer<LookedUp>, ToolError> {
        let lookup = self.lookup()?;
        let store = call.engine.store().await?;
        let stamp = store.stamp();
        if let Some(answer) = call.engine.customers.get(&lookup, stamp).await {
            return Ok(Answer::Rendered(answer));
        }
        let shop = call.engine.shop();
        let key = Key::parse(&lookup, shop)?;
        let customers = key.find(&mut store.read().await?).await?;
        let (message, data) = tell(lookup.by, customers, shop);
        let answer = render(&message, &data, false)?;
        call.engine.customers.keep(lookup, stamp, Arc::clone(&answer)).await;
        Ok(Answer::Rendered(answer))
    }
}

impl LookupCustomer {
    /// The one argument that was given.
    fn lookup(self) -> Result<Lookup, Refusal> {
        let given = [
            ("phone_number", self.phone_number),
            ("email", self.email),
            ("customer_id", self.customer_id.map(|id| id.to_string())),
            ("crm_id", self.crm_id),
        ];
        let mut given = given.into_iter().filter_map(|(by, text)| Some(Lookup { by, text: text? }));
        match (given.next(), given.next()) {
            (Some(lookup), None) => Ok(lookup),
            (None, _) => Err(refuse(
                "lookup_customer",
                "needs one of phone_number, email, customer_id, crm_id",
            )),
            (Some(_), Some(_)) => Err(refuse(
                "lookup_customer",
                "takes exactly one of phone_number, email, customer_id, crm_id; several were given",
            )),
        }
    }
}

/// A lookup's argument, read.
enum Key {
    Phone(PhoneNumber),
    Email(String),
    Id(CustomerId),
    CrmId(String),
}

impl Key {
    fn parse(lookup: &Lookup, shop: &Shop) -> Result<Self, Refusal> {
        let text = &lookup.text;
        Ok(match lookup.by {
            "phone_number" => Self::Phone(phone_number(text, shop)?),
            "email" => Self::Email(text::email(text).map_err(|wrong| refuse("email", wrong))?),
            "customer_id" => Self::Id(CustomerId(text.parse().unwrap_or_default())),
            _ => Self::CrmId(text::name(text).map_err(|wrong| refuse("crm_id", wrong))?),
        })
    }

    async fn find(&self, session: &mut Session) -> sqlx::Result<Vec<CustomerRow>> {
        let one = match self {
            Self::Phone(phone) => return session.customers_by_phone(phone).await,
            Self::Email(email) => session.customer_by_email(email).await?,
            Self::Id(id) => session.customer(*id).await?,
            Self::CrmId(crm_id) => session.customer_by_crm_id(crm_id).await?,
        };
        Ok(one.into_iter().collect())
    }
}

fn tell(lookup_key: &'static str, mut rows: Vec<CustomerRow>, shop: &Shop) -> (String, LookedUp) {
    let nobody = LookedUp { found: !rows.is_empty(), lookup_key, customer: None, candidates: None };
    if rows.len() > 1 {
        let message = format!("{} customers share this number; ask for the name.", rows.len());
        let candidates = rows.into_iter().map(candidate).collect();
        return (message, LookedUp { candidates: Some(candidates), ..nobody });
    }
    match rows.pop() {
        None => ("No customer is on file with these details.".to_owned(), nobody),
        Some(row) => {
            let customer = view(row, shop);
            let message = format!("Found {}{}.", customer.full_name(), vehicle_count(&customer));
            (message, LookedUp { customer: Some(customer), ..nobody })
        }
    }
}

fn vehicle_count(customer: &Customer) -> String {
    match customer.vehicles.as_slice() {
        [] => ", with no vehicle on file".to_owned(),
        [only] => format!(", with a {} {} {}", only.year, only.make, only.model),
        several => format!(", with {} vehicles", several.len()),
    }
}

fn candidate(row: CustomerRow) -> Candidate {
    Candidate { customer_id: row.id, first_name: row.first_name, last_name: row.last_name }
}

/// A customer as callers see one: times in the shop's zone, money in its currency.
pub(super) fn view(row: CustomerRow, shop: &Shop) -> Customer {
    let zone = shop.zone;
    Customer {
        id: row.id,
        crm_id: row.crm_id,
        first_name: row.first_name,
        last_name: row.last_name,
        email: row.email,
        phone_number: row.phone_number,
        account_status: row.account_status,
        tier: row.tier,
        customer_since: local_date(row.created_at, zone).to_string(),
        created_at: rfc3339(row.created_at, zone),
        last_contact: row.last_contact.map(|at| rfc3339(at, zone)),
        last_service_date: row.last_service_at.map(|at| local_date(at, zone).to_string()),
        lifetime_value: Money { minor: row.lifetime_value_minor, currency: shop.currency },
        open_tickets: row.open_tickets,
        satisfaction_score: row.satisfaction_score,
        preferences: serde_json::from_str(&row.preferences).unwrap_or_default(),
        notes: row.notes,
        vehicles: row.vehicles,
    }
}

/// The arguments of `create_customer`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct CreateCustomer {
    /// First name.
    #[schemars(length(min = 1, max = 200))]
    first_name: String,
    /// Last name.
    #[schemars(length(min = 1, max = 200))]
    last_name: String,
    /// Phone number in any usual writing, such as (202) 555-0123.
    #[schemars(length(min = 1, max = 40))]
    phone_number: String,
    /// E-mail address.
    #[schemars(length(max = 254))]
    email: Option<String>,
    /// The customer's tier; standard where it is left out.
    #[schemars(length(max = 200))]
    tier: Option<String>,
    /// What the customer prefers, by name, such as {"contact": "text message"}.
    preferences: Option<Map<String, Value>>,
    /// What the shop should remember, in plain words.
    #[schemars(length(max = 4000))]
    notes: Option<String>,
    /// Set it to true only where another customer has the same phone number and the caller says
    /// that the household or company shares it.
    allow_shared_phone: Option<bool>,
    /// A key of your own for this request: the same key and arguments never create a second one.
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<String>,
}

/// A customer.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Created {
    /// The customer.
    customer: Customer,
}

impl Tool for CreateCustomer {
    const NAME: &'static str = "create_customer";
    const TITLE: &'static str = "Create a customer";
    const DESCRIPTION: &'static str = "Put a new customer on file. Look the caller up first: a phone number or e-mail that another customer has fails as already_exists, with that customer's id in data.customer_id.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Writes { idempotent: false };
    type Data = Created;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Created>, ToolError> {
        let shop = call.engine.shop();
        let new = self.check(shop)?;
        let mut write =
            match Write::begin(call, Self::NAME, self.idempotency_key.as_deref()).await? {
                Begun::Replayed(envelope) => return Ok(Answer::Kept(envelope)),
                Begun::Fresh(write) => write,
            };
        let contact = Contact {
            own_id: None,
            phone_number: Some(&new.phone_number).filter(|_| !new.phone_shared),
            email: new.email.as_deref(),
        };
        refuse_taken(&mut write.session, &contact).await?;
        let id = match write.session.insert_customer(&new, call.now).await {
            Ok(id) => id,
            // Another process was faster; its row is visible once this transaction is over.
            Err(error) if is_refused(&error) => {
                drop(write);
                let mut session = call.engine.store().await?.read().await?;
                refuse_taken(&mut session, &contact).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let Some(row) = write.session.customer(id).await? else {
            return Err(sqlx::Error::RowNotFound.into());
        };
        let customer = view(row, shop);
        let message = format!("{} is now on file.", customer.full_name());
        write.finish(Answer::new(message, Created { customer })).await
    }
}

impl CreateCustomer {
    fn check(&self, shop: &Shop) -> Result<NewCustomer, Refusal> {
        let preferences = self.preferences.clone().unwrap_or_default();
        check_preferences(&preferences)?;
        Ok(NewCustomer {
            first_name: text::name(&self.first_name)
                .map_err(|wrong| refuse("first_name", wrong))?,
            last_name: text::name(&self.last_name).map_err(|wrong| refuse("last_name", wrong))?,
            phone_number: phone_number(&self.phone_number, shop)?,
            phone_shared: self.allow_shared_phone.unwrap_or_default(),
            email: optional("email", self.email.as_deref(), text::email)?,
            tier: optional("tier", self.tier.as_deref(), text::name)?
                .unwrap_or_else(|| DEFAULT_TIER.to_owned()),
            preferences: without_nulls(preferences),
            notes: optional("notes", self.notes.as_deref(), text::free_text)?,
        })
    }
}

/// The number that a customer has now: another one after a merge.
pub(super) async fn present_id(
    session: &mut Session,
    id: CustomerId,
) -> Result<CustomerId, ToolError> {
    let present_id = session.present_id(id).await?;
    present_id.ok_or_else(|| customer_not_found(id).into())
}

/// The refusal of a customer's number that nobody has.
pub(super) fn customer_not_found(id: CustomerId) -> Refusal {
    Refusal::new(
        Code::CustomerNotFound,
        "I cannot find that customer.",
        format!("there is no customer {id}"),
    )
    .hint("Find the customer with lookup_customer and use the id that it returns.")
}

/// Reads an argument that may be left out.
pub(super) fn optional<T>(
    field: &str,
    text: Option<&str>,
    read: impl Fn(&str) -> Result<T, text::InvalidText>,
) -> Result<Option<T>, Refusal> {
    text.map(|text| read(text).map_err(|wrong| refuse(field, wrong))).transpose()
}

fn phone_number(text: &str, shop: &Shop) -> Result<PhoneNumber, Refusal> {
    PhoneNumber::parse(text, &shop.region).map_err(|wrong| {
        refuse("phone_number", wrong)
            .hint("Ask the caller for the number again, with its area code.")
    })
}

/// Preferences are the shop's own words: few, short, and free of hidden characters like any text.
fn check_preferences(preferences: &Map<String, Value>) -> Result<(), Refusal> {
    if preferences.len() > MAX_PREFERENCES {
        return Err(refuse("preferences", format!("may have at most {MAX_PREFERENCES} keys")));
    }
    for (key, value) in preferences {
        text::name(key)
            .map_err(|wrong| refuse("preferences", format!("has a key that {wrong}")))?;
        check_preference(value).map_err(|wrong| refuse(&format!("preferences.{key}"), wrong))?;
    }
    Ok(())
}

/// What is unknown is left out, never null.
fn without_nulls(mut preferences: Map<String, Value>) -> Map<String, Value> {
    preferences.retain(|_, value| !value.is_null());
    preferences.values_mut().for_each(drop_nulls);
    preferences
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => *object = without_nulls(std::mem::take(object)),
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        _ => {}
    }
}

fn check_preference(value: &Value) -> Result<(), text::InvalidText> {
    match value {
        Value::String(text) => text::free_text(text).map(drop),
        Value::Array(items) => items.iter().try_for_each(check_preference),
        Value::Object(object) => object.iter().try_for_each(|(key, value)| {
            text::free_text(key)?;
            check_preference(value)
        }),
        _ => Ok(()),
    }
}

/// How a customer is to be reached: what nobody else may have.
struct Contact<'a> {
    /// Whose it is, where the customer is on file already.
    own_id: Option<CustomerId>,
    /// The phone number, unless it may be shared.
    phone_number: Option<&'a PhoneNumber>,
    email: Option<&'a str>,
}

/// Refuses a phone number or an e-mail address that is another customer's, naming that customer.
async fn refuse_taken(session: &mut Session, contact: &Contact<'_>) -> Result<(), ToolError> {
    let is_other = |other: &CustomerRow| Some(other.id) != contact.own_id;
    if let Some(phone_number) = contact.phone_number
        && let Some(other) =
            session.customers_by_phone(phone_number).await?.iter().find(|c| is_other(c))
    {
        return Err(taken("phone_number", other).hint(
            "Use that customer, or set allow_shared_phone to true if the caller says that the number is shared.",
        ).into());
    }
    if let Some(email) = contact.email
        && let Some(other) = session.customer_by_email(email).await?.filter(is_other)
    {
        return Err(taken("email", &other)
            .hint("Use that customer, or leave the e-mail out.")
            .into());
    }
    Ok(())
}

fn taken(field: &str, other: &CustomerRow) -> Refusal {
    Refusal::new(
        Code::AlreadyExists,
        "A customer with these contact details is already on file.",
        format!("{field} is that of customer {}", other.id),
    )
    .data(json!({"customer_id": other.id}))
}
