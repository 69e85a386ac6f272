//! Changing many visits one by one, and rehearsing it.

use std::time::{Duration, Instant};

use chrono::TimeDelta;

use super::Change;
use crate::domain::appointment::Status;
use crate::domain::local_time::{WallTime, wall_clock};
use crate::domain::time::Interval;
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Appointment, is_refused};
use crate::tools::arguments::refuse;
use crate::tools::booking::moving::{Move, move_visit};
use crate::tools::write::Write;
use crate::tools::{Answer, Call};

/// How long one call goes on; what is left then is told. Clients wait a minute for a reply.
const PATIENCE: Duration = Duration::from_secs(40);

/// Whether there is still somebody who waits for the reply, who is told how far the call has come.
pub(super) struct Patience<'a> {
    since: Instant,
    call: &'a Call<'a>,
    is_silent: bool,
}

impl<'a> Patience<'a> {
    pub(super) fn begin(call: &'a Call<'a>) -> Self {
        Self { since: Instant::now(), call, is_silent: false }
    }

    /// The same for what only goes before the work, whose steps are counted once.
    pub(super) fn in_silence(&self) -> Self {
        Self { is_silent: true, ..*self }
    }

    fn is_over(&self) -> bool {
        self.call.context.cancelled.is_cancelled() || self.since.elapsed() > PATIENCE
    }

    async fn report(&self, done: usize, total: usize) {
        if !self.is_silent {
            self.call.report(done, total).await;
        }
    }
}

/// What would become of each visit: all of it is done in one transaction, which is then dropped.
pub(super) async fn rehearse(
    visits: &[Appointment],
    change: &Change,
    patience: &Patience<'_>,
) -> Result<Vec<Result<(), Refusal>>, ToolError> {
    let Change::Shift { .. } = change else { return Ok(visits.iter().map(|_| Ok(())).collect()) };
    let call = patience.call;
    let mut write = Write::open(call).await?;
    let mut outcomes = Vec::with_capacity(visits.len());
    for visit in visits {
        if patience.is_over() {
            break;
        }
        match change_one(&mut write, visit, change, call).await {
            // Somebody wrote past the shop's lock; what was tried so far is worth nothing.
            Err(ToolError::Query(error)) if is_refused(&error) => {
                return Err(taken_meanwhile().into());
            }
            outcome => outcomes.push(outcome?),
        }
        patience.report(outcomes.len(), visits.len()).await;
    }
    outcomes.resize_with(visits.len(), || Err(not_reached()));
    Ok(outcomes)
}

/// Changes one visit after the other, each in a transaction of its own, so that others can book
/// meanwhile and whoever breaks it off leaves no visit half moved.
pub(super) async fn perform(
    visits: &[&Appointment],
    change: &Change,
    patience: &Patience<'_>,
) -> Vec<Result<(), Refusal>> {
    let call = patience.call;
    let mut outcomes = Vec::with_capacity(visits.len());
    for visit in visits {
        if patience.is_over() {
            break;
        }
        match commit_one(visit, change, call).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => {
                let refusal = error.refusal();
                tracing::error!(%error, "a bulk update was broken off");
                outcomes.push(Err(refusal));
                break;
            }
        }
        patience.report(outcomes.len(), visits.len()).await;
    }
    outcomes.resize_with(visits.len(), || Err(not_reached()));
    outcomes
}

async fn commit_one(
    visit: &Appointment,
    change: &Change,
    call: &Call<'_>,
) -> Result<Result<(), Refusal>, ToolError> {
    let mut write = Write::open(call).await?;
    match change_one(&mut write, visit, change, call).await {
        // Somebody wrote past the shop's lock.
        Err(ToolError::Query(error)) if is_refused(&error) => Ok(Err(taken_meanwhile())),
        Err(error) => Err(error),
        Ok(Err(refusal)) => Ok(Err(refusal)),
        Ok(Ok(())) => write.finish(Answer::new("", ())).await.map(|_| Ok(())),
    }
}

/// Changes a visit inside a transaction, or says why not. One that somebody else has moved, closed
/// or changed in this very way since it was looked for is left alone.
async fn change_one(
    write: &mut Write,
    matched: &Appointment,
    change: &Change,
    call: &Call<'_>,
) -> Result<Result<(), Refusal>, ToolError> {
    let visit = match write.session.appointment(matched.id).await? {
        Some(now) if is_open(now.status) && now.span() == matched.span() => now,
        now => return Ok(Err(changed_meanwhile(now.map(|now| now.status)))),
    };
    match change {
        Change::Cancel { reason } => {
            write.session.cancel_appointment(visit.id, reason, call.now).await?;
            Ok(Ok(()))
        }
        Change::Shift { days } => {
            let span = match shift(&visit, *days, call) {
                Ok(span) => span,
                Err(refusal) => return Ok(Err(refusal)),
            };
            let change = Move { argument: "the new time", span, kept: None };
            let moved = move_visit(write, &visit, &change, call).await?;
            Ok(moved.map(drop).map_err(|refused| refused.alone()))
        }
    }
}

fn is_open(status: Status) -> bool {
    matches!(status, Status::Scheduled | Status::Confirmed)
}

/// The same time of day so many days later; a visit is as long as before.
fn shift(visit: &Appointment, days: i64, call: &Call<'_>) -> Result<Interval, Refusal> {
    let zone = call.engine.shop().zone;
    let wall = wall_clock(visit.starts_at, zone).checked_add_signed(TimeDelta::days(days));
    let wall = wall.ok_or_else(|| refuse("shift_days", "leads past the end of the calendar"))?;
    match WallTime::read(wall, zone) {
        WallTime::Real { first, .. } => Ok(Interval::starting(first, visit.span().minutes())),
        WallTime::Skipped { .. } => Err(refuse(
            "shift_days",
            format!(
                "leads to {}, a local time that a clock change skips",
                wall.format("%Y-%m-%dT%H:%M")
            ),
        )),
    }
}

fn taken_meanwhile() -> Refusal {
    let error = "another program took that time at the same moment";
    Refusal::new(Code::SlotUnavailable, "The shop's times changed meanwhile.", error)
        .hint("Call again: the rest is then looked at anew.")
}

/// What somebody else has done since the visit was looked for.
fn changed_meanwhile(status: Option<Status>) -> Refusal {
    let (code, did) = match status {
        Some(Status::Cancelled) => (Code::AppointmentCancelled, "cancelled"),
        Some(Status::InProgress) => (Code::AppointmentClosed, "begun"),
        Some(Status::Completed | Status::NoShow) => (Code::AppointmentClosed, "closed"),
        Some(Status::Scheduled | Status::Confirmed) | None => {
            (Code::AppointmentNotFound, "moved to another time")
        }
    };
    let error = format!("it was {did} by somebody else meanwhile, and is left as it is");
    Refusal::new(code, "That visit changed meanwhile.", error)
}

fn not_reached() -> Refusal {
    let error = "it was not reached in time and stays as it was; call again for the rest";
    Refusal::new(Code::DatabaseUnavailable, "There was no time for that visit.", error)
}
