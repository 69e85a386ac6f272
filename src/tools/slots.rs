//! Free times.

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::arguments::refuse;
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::ServiceType;
use crate::domain::assignment::{Candidate, Candidates, Reserved};
use crate::domain::hours::Day;
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{
    clock_time, day_bounds, day_of_week, local_date, rfc3339, spoken, spoken_date,
};
use crate::domain::shop::Shop;
use crate::domain::slots::{Obstacle, Request, free_starts, nearest, obstacle};
use crate::domain::time::{Interval, Timestamp};
use crate::domain::time_input::{InvalidTime, parse_day, parse_instant};
use crate::error::{Refusal, ToolError};
use crate::store::{Resources, Session};

mod none;

pub(super) use none::{spoken_minutes, unserved};

/// The duration of a visit that is only asked about, in minutes.
const ASKED_DURATION_MINUTES: i64 = 30;
/// How many starts a message says aloud.
const SAID_ALOUD: usize = 3;
/// How many alternatives a refusal offers.
const ALTERNATIVES: usize = 5;
/// How many days before a wanted time, and from it on, alternatives are looked for.
const ALTERNATIVE_DAYS: (u64, u64) = (3, 14);
/// The same where the wanted time is beyond the horizon, after which nothing can be booked.
const LAST_DAYS: (u64, u64) = (14, 1);

/// The arguments of `get_available_slots`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetAvailableSlots {
    /// The day, YYYY-MM-DD, or today, tomorrow or a weekday name (the next one from today on).
    #[schemars(length(min = 1, max = 40))]
    date: String,
    /// How long the visit takes, in minutes; left out: what the service takes, else 30.
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<i64>,
    /// What is to be done.
    service_type: Option<ServiceType>,
    /// How many days to look at, from that day on; left out: 1.
    #[schemars(range(min = 1, max = 31))]
    days: Option<i64>,
}

/// The free times of a day, and of the days after it where several were asked for.
#[derive(Debug, JsonSchema, Serialize)]
pub struct AvailableSlots {
    /// The time of this reply in the shop's zone, RFC 3339.
    now: String,
    #[serde(flatten)]
    day: DaySlots,
    /// The shop's IANA time zone.
    timezone: String,
    /// The duration that was looked for.
    duration_minutes: i64,
    /// Each day by itself, where several were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_date: Option<Vec<DaySlots>>,
}

/// The free times of one day.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct DaySlots {
    /// The day, YYYY-MM-DD.
    date: String,
    /// Its weekday, such as Wednesday.
    day_of_week: &'static str,
    /// The starts that can be booked, RFC 3339 in the shop's zone.
    available_slots: Vec<String>,
    /// Why the shop is closed, where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_reason: Option<String>,
}

/// A free start near the wanted one.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Alternative {
    /// RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The same to say aloud.
    when: String,
}

impl Tool for GetAvailableSlots {
    const NAME: &'static str = "get_available_slots";
    const TITLE: &'static str = "Get available slots";
    const DESCRIPTION: &'static str = "List the start times that can be booked on a day, or on several days from it. Offer at most three of them aloud and pass the chosen one unchanged to book_appointment. Only these times are free; never make one up. No slots is a success that says why.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Reads;
    type Data = AvailableSlots;

    async fn run(self, call: &Call<'_>) -> Result<Answer<AvailableSlots>, ToolError> {
        let shop = call.engine.shop();
        let date = parse_day(&self.date, call.now, shop.zone)
            .map_err(|wrong| refuse_time("date", &self.date, wrong, call))?;
        let duration_minutes = self.duration_minutes.unwrap_or_else(|| {
            self.service_type
                .and_then(|service| shop.duration_of(service))
                .unwrap_or(ASKED_DURATION_MINUTES)
        });
        let days = u64::try_from(self.days.unwrap_or(1)).unwrap_or(1);
        let wanted =
            Wanted { argument: "date", duration_minutes, service: self.service_type, except: None };
        let store = call.engine.store().await?;
        let found =
            wanted.free_days(&mut store.read().await?, &store.resources, date, days, call).await?;
        let listed: Vec<DaySlots> = found.iter().map(|day| day.listed(shop)).collect();
        let Some(first) = listed.first().cloned() else {
            return Err(refuse("date", "is past the last day of the calendar").into());
        };
        let data = AvailableSlots {
            now: rfc3339(call.now, shop.zone),
            day: first,
            timezone: shop.zone.to_string(),
            duration_minutes,
            by_date: (days > 1).then_some(listed),
        };
        let unserved = unserved(&store.resources, self.service_type);
        Ok(Answer::new(tell(&found, unserved, duration_minutes, call), data))
    }
}

/// A visit whose time is still open.
pub(super) struct Wanted {
    /// The argument that names its time, for refusals.
    pub argument: &'static str,
    pub duration_minutes: i64,
    pub service: Option<ServiceType>,
    /// The appointment that is to be moved, whose own time counts as free.
    pub except: Option<AppointmentId>,
}

/// A day and its free starts.
pub(super) struct FreeDay {
    date: NaiveDate,
    starts: Vec<Timestamp>,
    closed_reason: Option<String>,
    obstacle: Option<Obstacle>,
}

impl Wanted {
    /// The free starts of `days` days from `date` on; one query, whatever their number.
    pub async fn free_days(
        &self,
        session: &mut Session,
        resources: &Resources,
        date: NaiveDate,
        days: u64,
        call: &Call<'_>,
    ) -> Result<Vec<FreeDay>, ToolError> {
        let shop = call.engine.shop();
        let dates: Vec<NaiveDate> =
            (0..days).filter_map(|day| date.checked_add_days(Days::new(day))).collect();
        let (Some(&first), Some(&last)) = (dates.first(), dates.last()) else {
            return Ok(Vec::new());
        };
        let window = Interval {
            start: day_bounds(first, shop.zone).start,
            end: day_bounds(last, shop.zone).end.plus_minutes(shop.buffer_of(self.service)),
        };
        let reserved = session.reservations(window, call.now, self.except).await?.taken;
        let (bays, technicians) = candidates(resources, self.service);
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let can_be_done = unserved(resources, self.service).is_none();
        let free_day = |date| {
            let reserved: &[Reserved] = &reserved;
            self.free_day(date, can_be_done.then_some(&candidates), reserved, call)
        };
        Ok(dates.into_iter().map(free_day).collect())
    }

    fn free_day(
        &self,
        date: NaiveDate,
        candidates: Option<&Candidates<'_>>,
        reserved: &[Reserved],
        call: &Call<'_>,
    ) -> FreeDay {
        let shop = call.engine.shop();
        let day = shop.hours.on(date, shop.zone);
        let request = self.request(call);
        let starts = candidates
            .map(|candidates| free_starts(&day, &request, candidates, reserved))
            .unwrap_or_default();
        let obstacle = obstacle(&day, &request);
        let closed_reason = match day {
            Day::Closed { reason } => Some(reason),
            Day::Open { .. } => None,
        };
        FreeDay { date, starts, closed_reason, obstacle }
    }

    fn request(&self, call: &Call<'_>) -> Request {
        let shop = call.engine.shop();
        Request {
            duration_minutes: self.duration_minutes,
            buffer_minutes: shop.buffer_of(self.service),
            earliest: earliest(call),
            latest: latest(call),
            interval_minutes: shop.booking.slot_interval_minutes,
        }
    }

    /// Up to five free starts nearest to `wanted`, soonest first.
    pub async fn alternatives(
        &self,
        session: &mut Session,
        resources: &Resources,
        wanted: Timestamp,
        call: &Call<'_>,
    ) -> Result<Vec<Alternative>, ToolError> {
        let zone = call.engine.shop().zone;
        let (before, after) = if wanted > latest(call) { LAST_DAYS } else { ALTERNATIVE_DAYS };
        let wanted = wanted.min(latest(call)).max(earliest(call));
        let today = local_date(call.now, zone);
        let around = local_date(wanted, zone);
        let first = around.checked_sub_days(Days::new(before)).map_or(today, |day| day.max(today));
        let days = self.free_days(session, resources, first, before + after, call).await?;
        let starts: Vec<Timestamp> = days.into_iter().flat_map(|day| day.starts).collect();
        Ok(nearest(&starts, wanted, ALTERNATIVES)
            .into_iter()
            .map(|start| Alternative {
                scheduled_at: rfc3339(start, zone),
                when: spoken(start, call.now, zone),
            })
            .collect())
    }
}

/// The bays and technicians that may serve this service.
pub(super) fn candidates(
    resources: &Resources,
    service: Option<ServiceType>,
) -> (Vec<Candidate>, Vec<Candidate>) {
    (resources.bays_for(service), resources.technicians_for(service))
}

/// The first start that may be booked.
pub(super) fn earliest(call: &Call<'_>) -> Timestamp {
    // A visit that starts this very second has already started.
    call.now.plus_seconds(1).plus_minutes(call.engine.shop().booking.minimum_notice_minutes)
}

/// The last start that may be booked.
pub(super) fn latest(call: &Call<'_>) -> Timestamp {
    call.now.plus_seconds(call.engine.shop().booking.horizon_days.saturating_mul(86_400))
}

impl FreeDay {
    fn listed(&self, shop: &Shop) -> DaySlots {
        DaySlots {
            date: self.date.to_string(),
            day_of_week: day_of_week(self.date),
            available_slots: self.starts.iter().map(|&start| rfc3339(start, shop.zone)).collect(),
            closed_reason: self.closed_reason.clone(),
        }
    }
}

fn tell(
    days: &[FreeDay],
    unserved: Option<String>,
    duration_minutes: i64,
    call: &Call<'_>,
) -> String {
    let zone = call.engine.shop().zone;
    let total: usize = days.iter().map(|day| day.starts.len()).sum();
    let Some(first) = days.iter().find(|day| !day.starts.is_empty()) else {
        return none::tell(days, unserved, duration_minutes, call);
    };
    let times: Vec<String> =
        first.starts.iter().take(SAID_ALOUD).map(|&start| clock_time(start, zone)).collect();
    let day = format!("{}, {}", day_of_week(first.date), spoken_date(first.date));
    match total {
        1 => format!("There is one free time: {} on {day}.", join(&times)),
        _ => format!("There are {total} free times; the first are {} on {day}.", join(&times)),
    }
}

fn join(times: &[String]) -> String {
    match times {
        [] => String::new(),
        [only] => only.clone(),
        [init @ .., last] => format!("{} and {last}", init.join(", ")),
    }
}

/// Reads an instant that a caller gave.
pub(super) fn read_instant(field: &str, text: &str, call: &Call<'_>) -> Result<Timestamp, Refusal> {
    parse_instant(text, call.now, call.engine.shop().zone)
        .map_err(|wrong| refuse_time(field, text, wrong, call))
}

fn refuse_time(field: &str, text: &str, wrong: InvalidTime, call: &Call<'_>) -> Refusal {
    let zone = call.engine.shop().zone;
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    let refusal = refuse(field, format!("\"{shown}\" {wrong}"));
    let InvalidTime::Skipped { before, after } = wrong else { return refusal };
    let choice =
        |at| json!({"scheduled_at": rfc3339(at, zone), "when": spoken(at, call.now, zone)});
    refusal
        .hint("The clocks change over this time; ask the customer which of the two real times is meant.")
        .data(json!({"alternatives": [choice(before), choice(after)]}))
}
