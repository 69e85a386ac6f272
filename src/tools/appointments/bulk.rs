//! Cancelling or moving many visits, such as those of a day on which the shop stays closed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cancelling::read_reason;
use crate::config::Toolset;
use crate::domain::appointment::ServiceType;
use crate::domain::confirmation::Question;
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{rfc3339, spoken};
use crate::domain::time::Interval;
use crate::error::{Code, Refusal, ToolError};
use crate::store::Appointment;
use crate::tools::arguments::refuse;
use crate::tools::confirming::Consent;
use crate::tools::times::read_range;
use crate::tools::write::Write;
use crate::tools::{Answer, Call, Effect, Tool};

mod changing;

use changing::{Patience, perform, rehearse};

/// How many visits one call changes at most.
const MOST: i64 = 500;

/// What is done to the visits.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Action {
    Cancel,
    Reschedule,
}

/// The arguments of `bulk_update_appointments`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct BulkUpdateAppointments {
    /// What to do with each visit.
    action: Action,
    /// First day or time: YYYY-MM-DD, a weekday or RFC 3339.
    #[schemars(length(min = 1, max = 60))]
    from: String,
    /// Last day (whole) or time, like from.
    #[schemars(length(min = 1, max = 60))]
    to: String,
    /// Only this work.
    service_type: Option<ServiceType>,
    /// Needed to cancel.
    #[schemars(length(max = 4000))]
    reason: Option<String>,
    /// Needed to reschedule: how many days later, at the same time of day.
    #[schemars(range(min = -365, max = 365))]
    shift_days: Option<i64>,
    /// Default true: change nothing, only tell.
    dry_run: Option<bool>,
}

/// What was done to many visits, or would be.
#[derive(Debug, JsonSchema, Serialize)]
pub struct BulkUpdated {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    /// Whether nothing was changed yet.
    dry_run: bool,
    /// How many scheduled and confirmed visits begin in that time and have not begun.
    matched: usize,
    /// How many of them were changed; in a dry run, how many would be.
    changed: usize,
    /// Those that stay as they are, and why.
    failed: Vec<FailedItem>,
    /// The numbers of those that were changed, or would be, soonest first.
    appointment_ids: Vec<AppointmentId>,
}

/// A visit that stays as it is.
#[derive(Debug, JsonSchema, Serialize)]
pub struct FailedItem {
    /// The appointment's number.
    appointment_id: AppointmentId,
    /// Its start to say aloud.
    when: String,
    /// Why, as a code.
    #[schemars(with = "String")]
    code: Code,
    /// Why.
    error: String,
}

/// What is done to each visit.
enum Change {
    Cancel { reason: String },
    Shift { days: i64 },
}

impl Tool for BulkUpdateAppointments {
    const NAME: &'static str = "bulk_update_appointments";
    const TITLE: &'static str = "Update many appointments";
    const DESCRIPTION: &'static str = "Cancel or move all scheduled and confirmed visits of a time, as when the shop must close. First without dry_run: it tells what would happen. Say that, and only after a yes repeat it with dry_run false. At most 500 visits.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Destroys;
    const IS_CONFIRMED: bool = true;
    const LIMIT: Duration = Duration::from_secs(50);
    type Data = BulkUpdated;

    async fn run(self, call: &Call<'_>) -> Result<Answer<BulkUpdated>, ToolError> {
        let change = self.change()?;
        let visits = self.matched(&change, call).await?;
        let is_dry = self.dry_run.unwrap_or(true);
        let outcomes = if is_dry {
            rehearse(&visits, &change, &Patience::begin(call)).await?
        } else {
            carry_out(&visits, &change, call).await?
        };
        let mut changed: Vec<&Appointment> = Vec::new();
        let mut failed = Vec::new();
        for (visit, outcome) in visits.iter().zip(outcomes) {
            match outcome {
                Ok(()) => changed.push(visit),
                Err(refusal) => failed.push(FailedItem::new(visit, &refusal, call)),
            }
        }
        changed.sort_unstable_by_key(|visit| (visit.starts_at, visit.id));
        let data = BulkUpdated {
            now: rfc3339(call.now, call.engine.shop().zone),
            dry_run: is_dry,
            matched: visits.len(),
            changed: changed.len(),
            failed,
            appointment_ids: changed.into_iter().map(|visit| visit.id).collect(),
        };
        Ok(Answer::new(tell(&data, &change), data))
    }
}

impl BulkUpdateAppointments {
    fn change(&self) -> Result<Change, Refusal> {
        match (self.action, &self.reason, self.shift_days.filter(|&days| days != 0)) {
            (Action::Cancel, _, Some(_)) => {
                Err(refuse("shift_days", "goes with reschedule; the action is cancel"))
            }
            (Action::Cancel, Some(reason), None) => {
                Ok(Change::Cancel { reason: read_reason(reason)? })
            }
            (Action::Cancel, None, None) => Err(refuse("reason", "is required to cancel")),
            (Action::Reschedule, _, Some(days)) => Ok(Change::Shift { days }),
            (Action::Reschedule, _, None) => Err(refuse(
                "shift_days",
                "is required to reschedule, and must not be 0: the visits would stay where they are",
            )),
        }
    }

    /// The visits, in the order in which they are changed: those that move forward begin with the
    /// last one, so that they make room for one another.
    async fn matched(
        &self,
        change: &Change,
        call: &Call<'_>,
    ) -> Result<Vec<Appointment>, ToolError> {
        let range = read_range(Some(&self.from), Some(&self.to), call)?;
        // What has begun is no longer to be moved or called off.
        let starts = Interval { start: range.start.max(call.now.plus_seconds(1)), end: range.end };
        let store = call.engine.store().await?;
        let mut session = store.read().await?;
        let mut visits = session.open_appointments(starts, self.service_type, MOST + 1).await?;
        if i64::try_from(visits.len()).is_ok_and(|count| count > MOST) {
            return Err(too_many().into());
        }
        if matches!(change, Change::Shift { days: 1.. }) {
            visits.reverse();
        }
        Ok(visits)
    }
}

/// Changes the visits, after the person was asked about all of those that can be changed at once; each
/// is then changed on its own, and one that somebody else has changed since is left alone.
async fn carry_out(
    visits: &[Appointment],
    change: &Change,
    call: &Call<'_>,
) -> Result<Vec<Result<(), Refusal>>, ToolError> {
    let patience = Patience::begin(call);
    if matches!(call.consent, Consent::NotNeeded) {
        let all: Vec<&Appointment> = visits.iter().collect();
        return Ok(perform(&all, change, &patience).await);
    }
    let expected = rehearse(visits, change, &patience.in_silence()).await?;
    let changing = visits.iter().zip(&expected).filter(|(_, outcome)| outcome.is_ok());
    let changing: Vec<&Appointment> = changing.map(|(visit, _)| visit).collect();
    if changing.is_empty() {
        return Ok(expected);
    }
    Write::confirm_first(call, || question(&changing, change, call)).await?;
    let mut outcomes = perform(&changing, change, &patience).await.into_iter();
    let outcome = |expected: Result<(), Refusal>| match expected {
        Ok(()) => outcomes.next().unwrap_or(Ok(())),
        refused => refused,
    };
    Ok(expected.into_iter().map(outcome).collect())
}

fn question(visits: &[&Appointment], change: &Change, call: &Call<'_>) -> Question {
    let when = |visit: Option<&&Appointment>| {
        let start = visit.map_or(call.now, |visit| visit.starts_at);
        spoken(start, call.now, call.engine.shop().zone)
    };
    let soonest = when(visits.iter().min_by_key(|visit| visit.starts_at));
    let last = when(visits.iter().max_by_key(|visit| visit.starts_at));
    let shall = match (change, visits.len()) {
        (Change::Cancel { .. }, 1) => format!("cancel one visit, on {soonest}"),
        (Change::Cancel { .. }, count) => {
            format!("cancel {count} visits, from {soonest} to {last}")
        }
        (Change::Shift { days }, 1) => {
            format!("move the visit on {soonest} {}", spoken_shift(*days))
        }
        (Change::Shift { days }, count) => {
            let shift = spoken_shift(*days);
            format!("move {count} visits {shift}, those from {soonest} to {last}")
        }
    };
    let sentence = format!("Shall I {shall}? This cannot be undone.");
    let state = |visit: &&Appointment| {
        (visit.id, visit.status, visit.span(), visit.customer_id, visit.vehicle_id)
    };
    let states: Vec<_> = visits.iter().map(state).collect();
    Question::new(sentence, &format!("{states:?}"))
}

/// `30 days earlier`, `1 day later`.
fn spoken_shift(days: i64) -> String {
    let plural = if days.abs() == 1 { "" } else { "s" };
    let direction = if days < 0 { "earlier" } else { "later" };
    format!("{} day{plural} {direction}", days.abs())
}

impl FailedItem {
    fn new(visit: &Appointment, refusal: &Refusal, call: &Call<'_>) -> Self {
        Self {
            appointment_id: visit.id,
            when: spoken(visit.starts_at, call.now, call.engine.shop().zone),
            code: refusal.code(),
            error: refusal.error().to_owned(),
        }
    }
}

fn too_many() -> Refusal {
    Refusal::new(
        Code::InvalidArgument,
        format!("There are more than {MOST} visits in that time, which is too many for one step."),
        format!("from and to cover more than {MOST} visits"),
    )
    .hint("Choose fewer days, or parts of a day, and call once for each.")
}

fn tell(data: &BulkUpdated, change: &Change) -> String {
    let count = |count: usize| match count {
        1 => "1 visit".to_owned(),
        count => format!("{count} visits"),
    };
    if data.matched == 0 {
        return "No visit that is still to come begins in that time; nothing was changed."
            .to_owned();
    }
    let did = match (change, data.dry_run) {
        (Change::Cancel { .. }, true) => "would be cancelled",
        (Change::Cancel { .. }, false) => "cancelled",
        (Change::Shift { .. }, true) => "would be moved",
        (Change::Shift { .. }, false) => "moved",
    };
    let failed = match (data.failed.len(), data.dry_run) {
        (0, _) => String::new(),
        (failed, true) => format!("; {} could not be", count(failed)),
        (failed, false) => format!("; {} left alone", count(failed)),
    };
    let yet = if data.dry_run { " Nothing was changed yet." } else { "" };
    format!("{} {did}{failed}.{yet}", count(data.changed))
}
