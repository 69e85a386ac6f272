//! A customer as a remote CRM describes one.

use serde_json::{Map, Number, Value};

use super::{Context, Fields, Unusable, Warnings};
use crate::domain::customer::AccountStatus;
use crate::domain::money::{MAX_MINOR, Money};
use crate::domain::phone::PhoneNumber;
use crate::domain::preferences::{check, without_nulls};
use crate::domain::text::{self, fold};
use crate::domain::time::Timestamp;

/// What a customer's record may lie in.
const WRAPPERS: [&str; 6] = ["customer", "data", "result", "profile", "customers", "results"];
/// What a customer's id may be called; a record without it is none.
const ID: [&str; 3] = ["id", "customer_id", "crm_id"];

/// What a customer's e-mail address may be called.
const EMAIL: [&str; 2] = ["email", "email_address"];
const LAST_NAME: [&str; 4] = ["last_name", "lastname", "surname", "family_name"];

/// Whom the CRM was asked about.
#[derive(Clone, Copy, Debug)]
pub enum Asked<'a> {
    /// The customer with this id.
    Id(&'a str),
    /// The customer with this e-mail address.
    Email(&'a str),
}

/// What a CRM says of a customer; what it does not say, or says in no usable way, is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct CrmCustomer {
    /// The id in the CRM.
    pub crm_id: String,
    /// First and last name.
    pub name: Option<Name>,
    /// E-mail address.
    pub email: Option<String>,
    /// Whether it says in so many words that there is no e-mail address.
    pub has_no_email: bool,
    /// Phone number.
    pub phone_number: Option<PhoneNumber>,
    /// Whether the shop works for this customer.
    pub account_status: Option<AccountStatus>,
    /// The tier.
    pub tier: Option<String>,
    /// Since when the person is a customer.
    pub created_at: Option<Timestamp>,
    /// The last contact.
    pub last_contact: Option<Timestamp>,
    /// What was paid, in minor units of the shop's currency.
    pub lifetime_value_minor: Option<i64>,
    /// Tickets that are not yet resolved.
    pub open_tickets: Option<i64>,
    /// 0 to 5.
    pub satisfaction_score: Option<f64>,
    /// What the customer prefers, by name.
    pub preferences: Option<Map<String, Value>>,
    /// What was written down.
    pub notes: Option<String>,
    /// What was left out.
    pub warnings: Warnings,
}

/// A person's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Name {
    /// As two names.
    Parts {
        /// First name.
        first: String,
        /// Last name; empty where the person has one name only.
        last: String,
    },
    /// The first name, where nothing that can be used is said of the last.
    First(String),
    /// As one text, of which nobody said where it parts.
    Whole(String),
}

impl Name {
    /// First and last name. A name that is the same text as the known one parts where that does, and a
    /// last name of which nothing is said stays the known one.
    pub fn split(&self, known: Option<(&str, &str)>) -> (String, String) {
        let whole = match self {
            Self::Parts { first, last } => return (first.clone(), last.clone()),
            Self::First(first) => {
                let last = known.map(|(_, last)| last).unwrap_or_default();
                return (first.clone(), last.to_owned());
            }
            Self::Whole(whole) => whole,
        };
        if let Some((first, last)) = known
            && fold(whole) == fold(&format!("{first} {last}"))
        {
            return (first.to_owned(), last.to_owned());
        }
        let (first, last) = match whole.split_once(',') {
            // As directories write it: Doe, John.
            Some((last, first)) if !first.trim().is_empty() => (first, last),
            _ => whole.split_once(char::is_whitespace).unwrap_or((whole, "")),
        };
        (first.trim().to_owned(), last.trim().to_owned())
    }
}

impl CrmCustomer {
    /// Whether it says that this address, folded, is not the customer's.
    pub fn denies_email(&self, email_key: &str) -> bool {
        self.has_no_email || self.email.as_deref().is_some_and(|own| fold(own) != email_key)
    }

    /// Reads an answer about one customer; `None` where it says that there is none.
    ///
    /// # Errors
    /// Where it is no customer's record, or another customer's.
    pub fn read(
        answer: &Value,
        asked: Asked<'_>,
        context: Context<'_>,
    ) -> Result<Option<Self>, Unusable> {
        let Some(fields) = Fields::find(answer, &WRAPPERS, &ID)? else { return Ok(None) };
        let crm_id = fields.text(&ID).ok_or(Unusable::NoId)?;
        let crm_id = text::name(&crm_id).map_err(|_| Unusable::NoId)?;
        if matches!(asked, Asked::Id(id) if id != crm_id) {
            return Err(Unusable::Another);
        }
        let said = Self::read_fields(crm_id, fields, context);
        let email = said.email.as_deref().map(fold);
        if matches!(asked, Asked::Email(asked) if email != Some(fold(asked))) {
            return Err(Unusable::Another);
        }
        Ok(Some(said))
    }

    fn read_fields(crm_id: String, fields: Fields<'_>, context: Context<'_>) -> Self {
        let mut warnings = Warnings::default();
        let at = &mut warnings;
        let phone = |text: &str| PhoneNumber::parse(text, context.region);
        Self {
            crm_id,
            name: read_name(fields, context, at),
            email: fields.read(&EMAIL, (context, at), text::email),
            has_no_email: says_nothing(fields, &EMAIL),
            phone_number: fields.read(
                &["phone_number", "phone", "mobile", "telephone"],
                (context, at),
                phone,
            ),
            account_status: read_status(fields, context, at),
            tier: fields.read(&["tier", "level"], (context, at), text::name),
            created_at: fields.time(&["created_at", "customer_since", "created"], (context, at)),
            last_contact: fields.time(&["last_contact", "last_contacted_at"], (context, at)),
            lifetime_value_minor: read_value(fields, context, at),
            open_tickets: fields
                .whole(&["open_tickets", "open_ticket_count"])
                .filter(|count| (0..=1_000_000).contains(count)),
            satisfaction_score: read_score(fields, context, at),
            preferences: read_preferences(fields, context, at),
            notes: fields.read(&["notes", "note"], (context, at), text::free_text),
            warnings,
        }
    }
}

/// Whether it says that there is no such thing, rather than nothing about it.
fn says_nothing(fields: Fields<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| fields.0.contains_key(*name))
        && fields.get(names).is_none_or(|value| value == "")
}

fn read_name(fields: Fields<'_>, context: Context<'_>, warnings: &mut Warnings) -> Option<Name> {
    let first = fields.read(
        &["first_name", "firstname", "given_name"],
        (context, &mut *warnings),
        text::name,
    );
    let last = fields.read(&LAST_NAME, (context, &mut *warnings), text::name);
    let mut whole = || {
        let names = ["name", "full_name", "display_name"];
        fields.read(&names, (context, &mut *warnings), text::name).map(Name::Whole)
    };
    match (first, last) {
        (Some(first), Some(last)) => Some(Name::Parts { first, last }),
        (first, _) => whole().or_else(|| {
            let first = first?;
            Some(if says_nothing(fields, &LAST_NAME) {
                Name::Parts { first, last: String::new() }
            } else {
                Name::First(first)
            })
        }),
    }
}

/// The status in our words. One that nobody knows is no reason to turn a customer away.
fn read_status(
    fields: Fields<'_>,
    context: Context<'_>,
    warnings: &mut Warnings,
) -> Option<AccountStatus> {
    let text = fields.text(&["account_status", "status"])?.to_lowercase();
    match text.as_str() {
        "active" | "enabled" => Some(AccountStatus::Active),
        "inactive" | "disabled" | "archived" => Some(AccountStatus::Inactive),
        "blocked" | "suspended" | "banned" => Some(AccountStatus::Blocked),
        "unknown" => None,
        _ => {
            warnings.left_out(context, "status", "is none of active, inactive, blocked");
            None
        }
    }
}

fn read_value(fields: Fields<'_>, context: Context<'_>, warnings: &mut Warnings) -> Option<i64> {
    let number: Number = fields.number(&["lifetime_value", "total_spent"])?;
    match Money::read(&number, context.currency, (0, MAX_MINOR)) {
        Ok(money) => Some(money.minor),
        Err(why) => {
            warnings.left_out(context, "lifetime_value", why);
            None
        }
    }
}

fn read_score(fields: Fields<'_>, context: Context<'_>, warnings: &mut Warnings) -> Option<f64> {
    let score = fields.number(&["satisfaction_score", "satisfaction"])?.as_f64()?;
    if (0.0..=5.0).contains(&score) {
        return Some(score);
    }
    warnings.left_out(context, "satisfaction_score", "must be from 0 to 5");
    None
}

fn read_preferences(
    fields: Fields<'_>,
    context: Context<'_>,
    warnings: &mut Warnings,
) -> Option<Map<String, Value>> {
    let preferences = without_nulls(fields.get(&["preferences"])?.as_object()?.clone());
    match check(&preferences) {
        Ok(()) => Some(preferences),
        Err(_) => {
            warnings.left_out(
                context,
                "preferences",
                "are too many, too long or hold signs that no text has",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests;
