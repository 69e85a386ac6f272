//! Free times.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::arguments::refuse;
use super::times::read_day;
use super::{Answer, Call, Effect, Tool};
use crate::config::Toolset;
use crate::domain::appointment::ServiceType;
use crate::domain::local_time::{clock_time, day_bounds, day_of_week, rfc3339, spoken_date};
use crate::domain::shop::Shop;
use crate::error::ToolError;

mod aloud;
mod none;
mod wanted;

pub(super) use none::{spoken_minutes, unserved};
pub(super) use wanted::{Alternative, FreeDay, Wanted, earliest, latest};

/// The duration of a visit that is only asked about, in minutes.
const ASKED_DURATION_MINUTES: i64 = 30;
/// Where the nearest other times are counted from, in minutes after midnight.
const NOON_MINUTES: i64 = 720;
/// How many starts a message says aloud.
const SAID_ALOUD: usize = 3;

/// The arguments of `get_available_slots`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct GetAvailableSlots {
    /// YYYY-MM-DD, today, tomorrow or a weekday.
    #[schemars(length(min = 1, max = 40))]
    date: String,
    /// Default: the service's, else 30.
    #[schemars(range(min = 5, max = 480))]
    duration_minutes: Option<i64>,
    /// The work.
    service_type: Option<ServiceType>,
    /// Days from date on; default 1.
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
    /// Where nothing is free: the nearest starts on other days that are.
    #[serde(skip_serializing_if = "Option::is_none")]
    alternatives: Option<Vec<Alternative>>,
    /// What is to be known of the shop's calendar, where not all that it blocks is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    calendar_note: Option<String>,
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

impl Tool for GetAvailableSlots {
    const NAME: &'static str = "get_available_slots";
    const TITLE: &'static str = "Get available slots";
    const DESCRIPTION: &'static str = "The free start times of a day, or of several. Offer at most three aloud; pass the chosen one unchanged, with the same duration_minutes, to book_appointment. Never make one up. None is a success that says why.";
    const TOOLSET: Toolset = Toolset::Appointments;
    const EFFECT: Effect = Effect::Reads;
    type Data = AvailableSlots;

    async fn run(self, call: &Call<'_>) -> Result<Answer<AvailableSlots>, ToolError> {
        let shop = call.engine.shop();
        let date = read_day("date", &self.date, call)?;
        let configured = || self.service_type.and_then(|service| shop.duration_of(service));
        let duration_minutes =
            self.duration_minutes.or_else(configured).unwrap_or(ASKED_DURATION_MINUTES);
        let days = u64::try_from(self.days.unwrap_or(1)).unwrap_or(1);
        let wanted = Wanted {
            argument: "date",
            duration_minutes,
            service: self.service_type,
            except: None,
            kept: None,
        };
        let store = call.engine.store().await?;
        let mut session = store.read().await?;
        let found = wanted.free_days(&mut session, &store.resources, date, days, call).await?;
        let is_full = found.iter().all(|day| day.starts.is_empty());
        let alternatives = if is_full {
            let noon = day_bounds(date, shop.zone).start.plus_minutes(NOON_MINUTES);
            let mut nearest =
                wanted.alternatives(&mut session, &store.resources, noon, call).await?;
            if call.is_voice() {
                nearest.truncate(aloud::ALTERNATIVES);
            }
            Some(nearest)
        } else {
            None
        };
        let listed: Vec<DaySlots> = found.iter().map(|day| day.listed(shop)).collect();
        let Some(first) = listed.first().cloned() else {
            return Err(refuse("date", "is past the last day of the calendar").into());
        };
        let message = match &alternatives {
            None if call.is_voice() => aloud::tell(&found, call),
            None => tell(&found, call),
            Some(_) if call.is_voice() => {
                let unserved = unserved(&store.resources, self.service_type);
                aloud::tell_none(&found, unserved, duration_minutes, call)
            }
            Some(alternatives) => {
                let unserved = unserved(&store.resources, self.service_type);
                let why = none::tell(&found, unserved, duration_minutes, call);
                format!("{why}{}", none::tell_nearest(alternatives))
            }
        };
        let calendar_note = call.calendar_note(&mut session).await?;
        let message = match &calendar_note {
            Some(note) => format!("{message} {note}"),
            None => message,
        };
        let data = AvailableSlots {
            now: rfc3339(call.now, shop.zone),
            day: first,
            timezone: shop.zone.to_string(),
            duration_minutes,
            by_date: (days > 1).then_some(listed),
            alternatives,
            calendar_note,
        };
        if call.is_voice() {
            return Ok(Answer::new(message, data.aloud()));
        }
        Ok(Answer::new(message, data))
    }
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

fn tell(days: &[FreeDay], call: &Call<'_>) -> String {
    let zone = call.engine.shop().zone;
    let total: usize = days.iter().map(|day| day.starts.len()).sum();
    let Some(first) = days.iter().find(|day| !day.starts.is_empty()) else { return String::new() };
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
