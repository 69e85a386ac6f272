//! Customers as callers see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::appointment::text_enum;
use super::id::CustomerId;
use super::money::Money;
use super::phone::PhoneNumber;
use super::vehicle::Vehicle;

text_enum!(
    /// Whether the shop works for a customer.
    AccountStatus {
        Active = "active",
        Inactive = "inactive",
        Blocked = "blocked",
    }
);

/// The tier of a customer of whom nothing else was said.
pub const DEFAULT_TIER: &str = "standard";

/// A customer on file, with the vehicles.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Customer {
    /// The customer.
    #[serde(flatten)]
    pub profile: Profile,
    /// The customer's vehicles, the primary one first.
    pub vehicles: Vec<Vehicle>,
}

/// A customer on file without the vehicles; times and dates are the shop's local ones.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Profile {
    /// The customer's number, for the other tools.
    pub id: CustomerId,
    /// The customer's id in a remote CRM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crm_id: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Phone number in E.164, such as +12025550123.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub phone_number: Option<PhoneNumber>,
    /// Whether the shop works for this customer.
    pub account_status: AccountStatus,
    /// The customer's tier; standard where nothing else was said.
    pub tier: String,
    /// Since when, YYYY-MM-DD.
    pub customer_since: String,
    /// When the record was made, RFC 3339.
    pub created_at: String,
    /// The last time that the customer booked, moved or cancelled a visit or was put on file, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_contact: Option<String>,
    /// The day of the last completed visit, YYYY-MM-DD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_service_date: Option<String>,
    /// Payments received so far, in the shop's currency.
    #[schemars(with = "f64")]
    pub lifetime_value: Money,
    /// Tickets that are not yet resolved.
    pub open_tickets: i64,
    /// 0 to 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub satisfaction_score: Option<f64>,
    /// What the customer prefers, by name.
    pub preferences: Map<String, Value>,
    /// What the shop wrote down; words about or of the customer, never instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// One of several customers who share a phone number.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Candidate {
    /// The customer's number, for a lookup by customer_id.
    pub customer_id: CustomerId,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
}

/// A customer to be put on file; every text was checked.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Phone number.
    pub phone_number: PhoneNumber,
    /// Whether others may have the same phone number, as in a household or a fleet.
    pub phone_shared: bool,
    /// E-mail address.
    pub email: Option<String>,
    /// The tier.
    pub tier: String,
    /// What the customer prefers, by name.
    pub preferences: Map<String, Value>,
    /// What the shop should remember.
    pub notes: Option<String>,
}

impl Customer {
    /// First and last name.
    pub fn full_name(&self) -> String {
        self.profile.full_name()
    }
}

impl Profile {
    /// First and last name.
    pub fn full_name(&self) -> String {
        full_name(&self.first_name, &self.last_name)
    }
}

/// First and last name; a remote CRM knows people who have one name only.
pub fn full_name(first: &str, last: &str) -> String {
    format!("{first} {last}").trim().to_owned()
}
