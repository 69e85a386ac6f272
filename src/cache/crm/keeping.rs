//! Keeping what the CRM said of a customer with the customer on file.

use serde_json::{Map, Value};

use super::FRESH_SECONDS;
use crate::domain::customer::full_name;
use crate::domain::id::CustomerId;
use crate::domain::remote::Warnings;
use crate::domain::remote::customer::CrmCustomer;
use crate::domain::text::{MAX_TEXT, fold};
use crate::domain::time::Timestamp;
use crate::store::{CustomerRow, Session, Store};

/// Keeps what the CRM said: with the customer who has that id, else with the one on file who is the
/// same person, else with a new one. The number that the customer has here, and what was left out.
///
/// A record that was merged into another here leads to the other, which says what its own record in
/// the CRM says. `former`: whom the CRM took the e-mail address from that it gives this customer.
///
/// # Errors
/// Where the database does not take it.
pub async fn keep(
    store: &Store,
    said: &CrmCustomer,
    former: Option<CustomerId>,
    now: Timestamp,
) -> sqlx::Result<(CustomerId, Warnings)> {
    let mut warnings = said.warnings.clone();
    let known = store.read().await?.customer_by_crm_id(&said.crm_id).await?;
    if let Some(row) = &known
        && (is_merged(row, said) || is_fresh(row, said, now))
    {
        return Ok((row.id, warnings));
    }
    let mut session = store.write().await?;
    let old = find_or_insert(&mut session, said, now).await?;
    if !is_merged(&old, said) {
        let mut row = overlay(&old, said, now);
        if let Some(former) = former {
            session.drop_email(former, said.email.as_deref().map(fold).as_deref()).await?;
            warnings.add(format!(
                "The CRM gives this customer the email that customer {former} had here; it moved."
            ));
        }
        settle(&mut session, &mut row, &old, &mut warnings).await?;
        session.update_customer(&row).await?;
    }
    session.commit().await?;
    store.customers_changed();
    Ok((old.id, warnings))
}

/// The customer as the CRM describes it, where it says something; else as on file.
pub fn overlay(old: &CustomerRow, said: &CrmCustomer, now: Timestamp) -> CustomerRow {
    let mut row = old.clone();
    let is_first = old.crm.crm_as_of.is_none();
    row.crm_id = Some(said.crm_id.clone());
    if let Some(name) = &said.name {
        (row.first_name, row.last_name) = name.split(Some((&old.first_name, &old.last_name)));
    }
    row.email = said.email.clone().or(row.email);
    row.phone_number = said.phone_number.clone().or(row.phone_number);
    row.account_status = said.account_status.unwrap_or(row.account_status);
    row.tier = said.tier.clone().unwrap_or(row.tier);
    row.created_at = said.created_at.map_or(row.created_at, |at| at.min(row.created_at));
    row.last_contact = said.last_contact.max(row.last_contact);
    row.satisfaction_score = said.satisfaction_score.or(row.satisfaction_score);
    if let Some(preferences) = &said.preferences {
        row.preferences = overlay_preferences(&old.preferences, preferences, is_first);
    }
    row.notes = overlay_notes(old.notes.as_deref(), said.notes.as_deref(), is_first);
    row.crm.crm_as_of = Some(now);
    row.crm.crm_lifetime_value_minor =
        said.lifetime_value_minor.or(row.crm.crm_lifetime_value_minor);
    row.crm.crm_open_tickets = said.open_tickets.or(row.crm.crm_open_tickets);
    row
}

/// The other customer of the CRM who has, as far as is known here, the e-mail address that it gives this
/// one.
pub async fn rival(store: &Store, said: &CrmCustomer) -> sqlx::Result<Option<CustomerRow>> {
    let Some(email) = &said.email else { return Ok(None) };
    let row = store.read().await?.customer_by_email(email).await?;
    Ok(row.filter(|row| row.crm_id.as_ref().is_some_and(|id| *id != said.crm_id)))
}

/// Sees to what no two customers may have: a phone number is shared, an e-mail address stays with whom
/// has it here, and the reply says so.
pub async fn settle(
    session: &mut Session,
    row: &mut CustomerRow,
    old: &CustomerRow,
    warnings: &mut Warnings,
) -> sqlx::Result<()> {
    if let Some(phone) = row.phone_number.clone().filter(|_| row.phone_number != old.phone_number) {
        let others = session.customers_by_phone(&phone).await?;
        row.phone_shared = others.iter().any(|other| other.id != row.id);
    }
    let key = |row: &CustomerRow| row.email.as_deref().map(fold);
    if let Some(email) = key(row).filter(|_| key(row) != key(old))
        && let Some(other) = session.customer_by_email(&email).await?
        && other.id != row.id
    {
        row.email = old.email.clone();
        warnings.add(format!(
            "The CRM's email is that of customer {} here, who keeps it; it was left out. If both are \
             the same person, use merge_customers.",
            other.id
        ));
    }
    Ok(())
}

/// Whether the record with the id in the CRM was merged into one that has another id there.
fn is_merged(row: &CustomerRow, said: &CrmCustomer) -> bool {
    row.crm_id.as_ref().is_some_and(|id| *id != said.crm_id)
}

/// Whether the row says just what the CRM says, and said so a moment ago.
fn is_fresh(row: &CustomerRow, said: &CrmCustomer, now: Timestamp) -> bool {
    let Some(as_of) = row.crm.crm_as_of else { return false };
    let mut same = overlay(row, said, now);
    same.crm.crm_as_of = Some(as_of);
    same == *row && as_of > now.plus_seconds(-FRESH_SECONDS)
}

async fn find_or_insert(
    session: &mut Session,
    said: &CrmCustomer,
    now: Timestamp,
) -> sqlx::Result<CustomerRow> {
    if let Some(row) = session.customer_by_crm_id(&said.crm_id).await? {
        return Ok(row);
    }
    if let Some(row) = same_person(session, said).await? {
        return Ok(row);
    }
    let (first, last) = match &said.name {
        Some(name) => name.split(None),
        // A visit needs somebody whom it is for.
        None => ("Customer".to_owned(), said.crm_id.clone()),
    };
    let created_at = said.created_at.unwrap_or(now);
    let id = session.insert_crm_customer(&said.crm_id, (&first, &last), created_at).await?;
    session.customer(id).await?.ok_or(sqlx::Error::RowNotFound)
}

/// The customer on file who is the same person, but whom the shop put on file without the CRM: by the
/// e-mail address, of which each is one customer's, or by phone number and whole name.
async fn same_person(
    session: &mut Session,
    said: &CrmCustomer,
) -> sqlx::Result<Option<CustomerRow>> {
    let name = said.name.as_ref().map(|name| {
        let (first, last) = name.split(None);
        fold(&full_name(&first, &last))
    });
    let own_name = |row: &CustomerRow| fold(&full_name(&row.first_name, &row.last_name));
    if let Some(email) = &said.email
        && let Some(row) = session.customer_by_email(email).await?
        && row.crm_id.is_none()
        && name.as_ref().is_none_or(|name| shares_a_word(name, &own_name(&row)))
    {
        return Ok(Some(row));
    }
    let (Some(phone), Some(name)) = (&said.phone_number, &name) else { return Ok(None) };
    let rows = session.customers_by_phone(phone).await?;
    let is_same = |row: &CustomerRow| {
        row.crm_id.is_none()
            && own_name(row) == *name
            && (row.email.is_none() || said.email.is_none())
    };
    Ok(rows.into_iter().find(is_same))
}

/// A family shares an address, and its name; strangers share neither.
fn shares_a_word(one: &str, other: &str) -> bool {
    one.split_whitespace().any(|word| other.split_whitespace().any(|own| own == word))
}

/// What the CRM knows of preferences is all of them; what the shop noted before it knew the customer
/// from the CRM stays.
fn overlay_preferences(on_file: &str, said: &Map<String, Value>, is_first: bool) -> String {
    let mut preferences = said.clone();
    if is_first {
        let own: Map<String, Value> = serde_json::from_str(on_file).unwrap_or_default();
        for (key, value) in own {
            preferences.entry(key).or_insert(value);
        }
    }
    Value::Object(preferences).to_string()
}

/// The CRM's notes, unless those on file have them in them; at first beside the shop's own.
fn overlay_notes(on_file: Option<&str>, said: Option<&str>, is_first: bool) -> Option<String> {
    match (on_file, said) {
        (Some(own), Some(said)) if own.contains(said) => Some(own.to_owned()),
        (Some(own), Some(said)) if is_first => {
            let joined = format!("{own}\n\n{said}");
            let has_room = joined.chars().count() <= MAX_TEXT;
            Some(if has_room { joined } else { own.to_owned() })
        }
        (own, said) => said.or(own).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_of_both_are_kept() {
        let check = |own, said, is_first, expected: Option<&str>| {
            assert_eq!(overlay_notes(own, said, is_first).as_deref(), expected);
        };
        check(None, None, true, None);
        check(Some("a"), None, false, Some("a"));
        check(None, Some("b"), false, Some("b"));
        check(Some("a"), Some("b"), true, Some("a\n\nb"));
        check(Some("a\n\nb"), Some("b"), false, Some("a\n\nb"));
        check(Some("a\n\nb"), Some("c"), false, Some("c"));
        let long = "x".repeat(MAX_TEXT);
        check(Some(&long), Some("b"), true, Some(&long));
    }

    #[test]
    fn preferences_of_both_are_kept_at_first() {
        let said = serde_json::json!({"language": "fr"}).as_object().cloned().unwrap_or_default();
        let own = r#"{"language":"en","contact":"sms"}"#;
        let at_first = overlay_preferences(own, &said, true);
        assert_eq!(at_first, r#"{"language":"fr","contact":"sms"}"#);
        assert_eq!(overlay_preferences(own, &said, false), r#"{"language":"fr"}"#);
    }
}
