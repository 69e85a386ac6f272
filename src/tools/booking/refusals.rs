//! Why a time cannot be booked, and what can be offered instead.

use serde_json::json;

use crate::domain::appointment::ServiceType;
use crate::domain::assignment::Reserved;
use crate::domain::hours::Day;
use crate::domain::id::ResourceId;
use crate::domain::local_time::{local_date, rfc3339, spoken, wall_clock};
use crate::domain::slots::outside_hours;
use crate::domain::time::{Interval, Timestamp};
use crate::error::{Code, Refusal, ToolError};
use crate::store::{Resources, Session};
use crate::tools::Call;
use crate::tools::slots::{Wanted, earliest, latest, spoken_minutes, unserved};

/// The hint where some of the nearest times are free.
const NEAREST: &str =
    "Offer up to three of data.alternatives, or call get_available_slots for another day.";

/// A refusal that is still without its alternatives.
pub(in crate::tools) struct Refused {
    refusal: Refusal,
    /// What to do with the alternatives; `None` where there can be none.
    hint: Option<&'static str>,
}

/// What is wrong with a time, whoever is free then.
pub(in crate::tools) fn check_time(
    wanted: &Wanted,
    span: Interval,
    call: &Call<'_>,
) -> Option<Refused> {
    let shop = call.engine.shop();
    let start = span.start;
    let at = format!("{} {}", wanted.argument, rfc3339(start, shop.zone));
    if start <= call.now {
        return Some(in_the_past(&at, call));
    }
    // The notice and the horizon of a kept time were checked when it was kept.
    if wanted.kept.is_none() && start < earliest(call) {
        let notice = spoken_minutes(shop.booking.minimum_notice_minutes);
        return Some(Refused::offering(
            "data.alternatives has the first times that can be booked: offer up to three of them, or call get_available_slots for a later day.",
            "That is too soon for the shop.",
            format!("{at} is too soon: the shop needs notice of {notice}"),
        ));
    }
    if wanted.kept.is_none() && start > latest(call) {
        let horizon = spoken_minutes(shop.booking.horizon_days.saturating_mul(1440));
        return Some(Refused::offering(
            "data.alternatives has the last times that can be booked: offer up to three of them, or call get_available_slots for an earlier day.",
            "That is further ahead than the shop plans.",
            format!("{at} is too far ahead: visits can be booked up to {horizon} ahead"),
        ));
    }
    outside_hours(span, &shop.hours, shop.zone).map(|reason| outside(reason, &at, span, call))
}

fn in_the_past(at: &str, call: &Call<'_>) -> Refused {
    let zone = call.engine.shop().zone;
    let error = format!("{at} is not after now, {}", rfc3339(call.now, zone));
    let now = spoken(call.now, call.now, zone);
    let refusal = Refusal::new(Code::InThePast, "That time has already passed.", error)
        .hint(format!("It is {now} at the shop; choose a later time."));
    Refused { refusal, hint: None }
}

fn outside(reason: String, at: &str, span: Interval, call: &Call<'_>) -> Refused {
    let shop = call.engine.shop();
    let date = local_date(span.start, shop.zone);
    let clock = |at| wall_clock(at, shop.zone).format("%H:%M").to_string();
    let open: Vec<String> = match shop.hours.on(date, shop.zone) {
        Day::Open { work, closes, .. } => {
            let end = |open: &Interval| match open.end {
                end if end > closes => "past midnight".to_owned(),
                end => clock(end),
            };
            work.iter().map(|open| format!("{}-{}", clock(open.start), end(open))).collect()
        }
        Day::Closed { .. } => Vec::new(),
    };
    let open = if open.is_empty() { "closed".to_owned() } else { open.join(" and ") };
    let minutes = span.minutes();
    let error = format!(
        "{at} is outside business hours: all {minutes} minutes of the visit must lie in one opening interval of {date}, which is {open}"
    );
    let longest = shop.hours.longest_stretch_minutes();
    if longest > 0 && minutes > longest {
        let message = format!(
            "A visit of {} is too long: the shop is never open for more than {} at a stretch.",
            spoken_minutes(minutes),
            spoken_minutes(longest)
        );
        let refusal = Refusal::new(Code::OutsideBusinessHours, message, error)
            .hint("Book a shorter visit, or several that each fit between opening, lunch and closing.")
            .data(json!({"alternatives": []}));
        return Refused { refusal, hint: None };
    }
    let refusal = Refusal::new(Code::OutsideBusinessHours, reason, error);
    Refused { refusal, hint: Some(NEAREST) }
}

/// The refusal of a time at which nobody is free, or nobody ever does that service.
pub(in crate::tools) fn not_free(
    wanted: &Wanted,
    span: Interval,
    resources: &Resources,
    taken: &[Reserved],
    call: &Call<'_>,
) -> Refused {
    let start = span.start;
    let zone = call.engine.shop().zone;
    if let Some(message) = unserved(resources, wanted.service) {
        let service = wanted.service.map_or("", ServiceType::as_str);
        let error = format!("service_type {service} is not among the services of any of them");
        return Refused::offering(NEAREST, message, error);
    }
    let is_closed = |one: &&Reserved| one.resource == ResourceId::WHOLE_SHOP;
    if taken.iter().filter(is_closed).any(|closed| closed.span.overlaps(&span)) {
        return Refused::offering(
            NEAREST,
            format!("{} is blocked in the shop's calendar.", spoken(start, call.now, zone)),
            format!(
                "the shop's calendar blocks some of the time from {} to {}",
                rfc3339(start, zone),
                rfc3339(span.end, zone)
            ),
        );
    }
    let who = if resources.has_technicians() { "no bay and technician are" } else { "no bay is" };
    Refused::offering(
        NEAREST,
        format!("{} is not free.", spoken(start, call.now, zone)),
        format!("{who} free from {} for the whole visit", rfc3339(start, zone)),
    )
}

/// The refusal after the schema refused: somebody wrote past the shop's lock.
pub(in crate::tools) async fn refuse_taken(
    wanted: &Wanted,
    span: Interval,
    call: &Call<'_>,
) -> Result<ToolError, ToolError> {
    let store = call.engine.store().await?;
    let refused = not_free(wanted, span, &store.resources, &[], call);
    Ok(refused.offer(&mut store.read().await?, wanted, span.start, call).await?.into())
}

impl Refused {
    /// One that no other time mends.
    pub(in crate::tools) fn plain(refusal: Refusal) -> Self {
        Self { refusal, hint: None }
    }

    /// The refusal without alternatives, for one of many visits.
    pub(in crate::tools) fn alone(self) -> Refusal {
        self.refusal
    }

    fn offering(hint: &'static str, message: impl Into<String>, error: impl Into<String>) -> Self {
        Self { refusal: Refusal::new(Code::SlotUnavailable, message, error), hint: Some(hint) }
    }

    /// Fails with the refusal and the nearest times that can be booked.
    pub(in crate::tools) async fn with_offers<T>(
        self,
        session: &mut Session,
        wanted: &Wanted,
        start: Timestamp,
        call: &Call<'_>,
    ) -> Result<T, ToolError> {
        Err(self.offer(session, wanted, start, call).await?.into())
    }

    async fn offer(
        self,
        session: &mut Session,
        wanted: &Wanted,
        start: Timestamp,
        call: &Call<'_>,
    ) -> Result<Refusal, ToolError> {
        let Some(hint) = self.hint else { return Ok(self.refusal) };
        let resources = &call.engine.store().await?.resources;
        let offers = wanted.alternatives(session, resources, start, call).await?;
        let hint = if !offers.is_empty() {
            hint
        } else if unserved(resources, wanted.service).is_some() {
            "No time helps: nobody at the shop does this service_type. Ask whether another one is meant, or tell the customer that the shop does not do it."
        } else {
            "Nothing near that time is free for this visit; ask for another day and call get_available_slots, with days to look at several at once."
        };
        let mut data = json!({"alternatives": offers});
        if let (Some(note), Some(data)) = (call.calendar_note(session).await?, data.as_object_mut())
        {
            data.insert("calendar_note".to_owned(), note.into());
        }
        Ok(self.refusal.hint(hint).data(data))
    }
}
