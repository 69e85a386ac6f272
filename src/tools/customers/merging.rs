//! Making one customer of two who are the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{customer_not_found, view};
use crate::config::Toolset;
use crate::domain::confirmation::Question;
use crate::domain::customer::{AccountStatus, Customer, DEFAULT_TIER};
use crate::domain::id::CustomerId;
use crate::domain::text::{self, MAX_MERGED_NOTES};
use crate::error::{Refusal, ToolError};
use crate::store::{self, CustomerRow, Holding, Session};
use crate::tools::arguments::refuse;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

/// The arguments of `merge_customers`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct MergeCustomers {
    /// Who stays.
    keep_customer_id: CustomerId,
    /// Whose records move there.
    merge_customer_id: CustomerId,
}

/// One customer of two.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Merged {
    /// The customer who stays.
    customer: Customer,
    /// How much was moved.
    moved: Moved,
    /// What to mind, in sentences; absent where there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
}

/// How much of each kind was moved.
#[derive(Debug, Default, JsonSchema, Serialize)]
struct Moved {
    /// Vehicles.
    vehicles: u64,
    /// Appointments, past and future.
    appointments: u64,
    /// Tickets.
    tickets: u64,
    /// Invoices.
    invoices: u64,
}

impl From<store::Moved> for Moved {
    fn from(moved: store::Moved) -> Self {
        let store::Moved { vehicles, appointments, tickets, invoices } = moved;
        Self { vehicles, appointments, tickets, invoices }
    }
}

impl Tool for MergeCustomers {
    const NAME: &'static str = "merge_customers";
    const TITLE: &'static str = "Merge two customers";
    const DESCRIPTION: &'static str = "Make one customer of two records of one person: all of merge_customer_id moves to keep_customer_id. Cannot be undone: compare both and get a yes first. The merged id, phone and e-mail lead to the kept one.";
    const TOOLSET: Toolset = Toolset::Crm;
    const EFFECT: Effect = Effect::Destroys;
    const IS_CONFIRMED: bool = true;
    type Data = Merged;

    async fn run(self, call: &Call<'_>) -> Result<Answer<Merged>, ToolError> {
        let (keep_id, merge_id) = (self.keep_customer_id, self.merge_customer_id);
        if keep_id == merge_id {
            return Err(refuse(
                "merge_customer_id",
                "must be another customer than keep_customer_id",
            )
            .into());
        }
        let shop = call.engine.shop();
        let mut write = Write::open(call).await?;
        let kept = find(&mut write.session, keep_id).await?;
        let merged = find(&mut write.session, merge_id).await?;
        if kept.id == merged.id {
            let customer = view(kept, shop);
            let message = format!("These are one customer already: {}.", customer.full_name());
            let data = Merged { customer, moved: Moved::default(), warnings: Vec::new() };
            return write.finish(Answer::repeated(message, data)).await;
        }
        let holdings = write.session.holdings(merged.id).await?;
        let question = question(&kept, &merged, &holdings);
        let (combined, warnings) = combine(kept, &merged)?;
        write.confirm(call, || question).await?;
        let moved = write.session.merge_customers(&combined, &merged).await?;
        let customer = view(find(&mut write.session, combined.id).await?, shop);
        let message = format!(
            "The two records of {} are one now; {}, {}, {} and {} were moved.",
            customer.full_name(),
            counted(moved.vehicles, "vehicles"),
            counted(moved.appointments, "appointments"),
            counted(moved.tickets, "tickets"),
            counted(moved.invoices, "invoices")
        );
        write.finish(Answer::new(message, Merged { customer, moved: moved.into(), warnings })).await
    }
}

fn question(kept: &CustomerRow, merged: &CustomerRow, holdings: &[Holding]) -> Question {
    let named =
        |row: &CustomerRow| format!("{} {} (number {})", row.first_name, row.last_name, row.id);
    let count = |kind: &str| {
        let count = holdings.iter().filter(|holding| holding.kind == kind);
        counted(count.map(|holding| holding.count).sum::<i64>(), kind)
    };
    let sentence = format!(
        "Shall I make one customer of two: move all of {} to {}, that is {}, {}, {} and {}? This cannot be undone.",
        named(merged),
        named(kept),
        count("vehicles"),
        count("appointments"),
        count("tickets"),
        count("invoices")
    );
    // What is put on file leaves no trace in the two records, but for a time in whole seconds.
    Question::new(sentence, &format!("{kept:?} {merged:?} {holdings:?}"))
}

/// So many of what a plural names.
fn counted(count: impl Into<i128>, plural: &str) -> String {
    match count.into() {
        1 => format!("1 {}", plural.trim_end_matches('s')),
        count => format!("{count} {plural}"),
    }
}

async fn find(session: &mut Session, id: CustomerId) -> Result<CustomerRow, ToolError> {
    session.customer(id).await?.ok_or_else(|| customer_not_found(id).into())
}

/// The kept record with what it lacks and the other one has, and what to mind.
fn combine(
    kept: CustomerRow,
    merged: &CustomerRow,
) -> Result<(CustomerRow, Vec<&'static str>), Refusal> {
    let mut warnings = Vec::new();
    let is_blocked = |row: &CustomerRow| row.account_status == AccountStatus::Blocked;
    if is_blocked(&kept) != is_blocked(merged) {
        warnings.push("One of the two records was blocked, and so the customer is blocked now.");
    }
    let has_standard_tier = kept.tier == DEFAULT_TIER;
    if kept.tier != merged.tier && !has_standard_tier && merged.tier != DEFAULT_TIER {
        warnings.push("The two records had different tiers; that of the kept one stays.");
    }
    let lacks_phone = kept.phone_number.is_none();
    let combined = CustomerRow {
        crm: if kept.crm_id.is_some() { kept.crm } else { merged.crm },
        crm_id: kept.crm_id.or_else(|| merged.crm_id.clone()),
        email: kept.email.or_else(|| merged.email.clone()),
        phone_shared: if lacks_phone { merged.phone_shared } else { kept.phone_shared },
        phone_number: kept.phone_number.or_else(|| merged.phone_number.clone()),
        created_at: kept.created_at.min(merged.created_at),
        last_contact: kept.last_contact.max(merged.last_contact),
        last_service_at: kept.last_service_at.max(merged.last_service_at),
        satisfaction_score: kept.satisfaction_score.or(merged.satisfaction_score),
        preferences: combine_preferences(&kept.preferences, &merged.preferences),
        account_status: if is_blocked(merged) {
            merged.account_status
        } else {
            kept.account_status
        },
        tier: if has_standard_tier { merged.tier.clone() } else { kept.tier },
        notes: join_notes(kept.notes, merged.notes.as_deref())?,
        ..kept
    };
    Ok((combined, warnings))
}

/// Both notes, one below the other: together they may be longer than what a caller may write at once, and
/// nothing that was written gets lost.
fn join_notes(kept: Option<String>, merged: Option<&str>) -> Result<Option<String>, Refusal> {
    let (kept, merged) = match (kept, merged) {
        (Some(kept), Some(merged)) if !kept.contains(merged) => (kept, merged),
        (kept, merged) => return Ok(kept.or_else(|| merged.map(str::to_owned))),
    };
    let joined = format!("{kept}\n\n{merged}");
    if text::merged_notes(&joined).is_err() {
        let wrong = format!(
            "has notes that are too long to be joined: {MAX_MERGED_NOTES} characters at most"
        );
        return Err(refuse("merge_customer_id", wrong)
            .hint("Shorten the notes of one of the two by update_customer, and merge them then."));
    }
    Ok(Some(joined))
}

/// The preferences of both; where both say something, the kept one's word counts.
fn combine_preferences(kept: &str, merged: &str) -> String {
    let read = |text| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let mut preferences = read(kept);
    for (key, value) in read(merged) {
        preferences.entry(key).or_insert(value);
    }
    Value::Object(preferences).to_string()
}
