//! The rows of the reports, and the sentence that tells their gist.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Timelike};
use chrono_tz::Tz;
use serde::Serialize;

use crate::domain::appointment::{ServiceType, Status};
use crate::domain::local_time::{day_bounds, day_of_week, local_date, wall_clock};
use crate::domain::money::{Currency, Money};
use crate::domain::time::{Interval, Timestamp};
use crate::error::ToolError;
use crate::store::{Counted, Duration, Revenue, STRETCH_SECONDS};

/// One row of a report.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Row {
    /// How often a service is wanted.
    Popular {
        service_type: ServiceType,
        /// Those that were not cancelled.
        appointments: i64,
        completed: i64,
        cancelled: i64,
    },
    /// How many visits start in an hour of the week.
    Peak { weekday: &'static str, hour: u32, appointments: i64 },
    /// How long a service takes.
    Duration {
        service_type: ServiceType,
        appointments: i64,
        average_minutes: f64,
        /// Of those whose status said when the work began and ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        average_worked_minutes: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        worked_appointments: Option<i64>,
    },
    /// How often customers do not come.
    NoShow {
        service_type: ServiceType,
        /// Those that are over: completed or missed.
        appointments: i64,
        no_shows: i64,
        /// From 0 to 1.
        no_show_rate: f64,
    },
    /// What was received in a month.
    Revenue { month: String, currency: &'static str, payments: i64, amount: Money },
}

/// A report's rows, and what they say.
pub struct Told {
    /// The gist, to say aloud.
    pub message: String,
    /// The rows.
    pub rows: Vec<Row>,
}

impl Told {
    fn nothing(what: &str) -> Self {
        Self { message: format!("There were no {what} in that time."), rows: Vec::new() }
    }
}

/// How many appointments of a service stand where.
#[derive(Clone, Copy, Default)]
struct Standing {
    all: i64,
    completed: i64,
    cancelled: i64,
    no_shows: i64,
}

fn by_service(counts: Vec<Counted>) -> Vec<(ServiceType, Standing)> {
    let mut services: BTreeMap<&str, (ServiceType, Standing)> = BTreeMap::new();
    for Counted { service_type, status, appointments } in counts {
        let entry = services.entry(service_type.as_str());
        let (_, standing) = entry.or_insert((service_type, Standing::default()));
        standing.all += appointments;
        match status {
            Status::Completed => standing.completed += appointments,
            Status::Cancelled => standing.cancelled += appointments,
            Status::NoShow => standing.no_shows += appointments,
            Status::Scheduled | Status::Confirmed | Status::InProgress => {}
        }
    }
    services.into_values().collect()
}

/// The services by how often they are wanted.
pub fn popular(counts: Vec<Counted>) -> Told {
    let mut services = by_service(counts);
    services.sort_by_key(|(_, standing)| standing.cancelled - standing.all);
    let total: i64 = services.iter().map(|(_, s)| s.all - s.cancelled).sum();
    let Some((first, most)) = services.first().filter(|_| total > 0) else {
        return Told::nothing("visits");
    };
    let message = format!(
        "The most popular service was {}, with {} of {total} visits.",
        plain(*first),
        most.all - most.cancelled
    );
    let row = |(service_type, standing): (ServiceType, Standing)| Row::Popular {
        service_type,
        appointments: standing.all - standing.cancelled,
        completed: standing.completed,
        cancelled: standing.cancelled,
    };
    Told { message, rows: services.into_iter().map(row).collect() }
}

/// The services by how many customers did not come.
pub fn no_shows(counts: Vec<Counted>) -> Told {
    let mut services = by_service(counts);
    services.retain(|(_, standing)| standing.completed + standing.no_shows > 0);
    services.sort_by_key(|(_, standing)| -standing.no_shows);
    let missed: i64 = services.iter().map(|(_, standing)| standing.no_shows).sum();
    let over: i64 = services.iter().map(|(_, s)| s.completed + s.no_shows).sum();
    if over == 0 {
        return Told::nothing("visits that are over");
    }
    let percent = ratio(missed * 100, over, 1);
    let message =
        format!("Customers did not come to {missed} of {over} visits, {percent} percent.");
    let row = |(service_type, standing): (ServiceType, Standing)| {
        let appointments = standing.completed + standing.no_shows;
        let no_show_rate = ratio(standing.no_shows, appointments, 4);
        Row::NoShow { service_type, appointments, no_shows: standing.no_shows, no_show_rate }
    };
    Told { message, rows: services.into_iter().map(row).collect() }
}

/// The hours of the week by how many visits start in them, each visit by the clock of its own day.
pub fn peaks(starts: &[(i64, i64)], zone: Tz) -> Told {
    let mut hours: BTreeMap<(u32, u32), i64> = BTreeMap::new();
    let mut names = [""; 7];
    for &(stretch, appointments) in starts {
        let at = wall_clock(Timestamp(stretch.saturating_mul(STRETCH_SECONDS)), zone);
        let weekday = at.weekday().num_days_from_monday();
        *hours.entry((weekday, at.hour())).or_default() += appointments;
        if let Some(name) = names.get_mut(weekday as usize) {
            *name = day_of_week(at.date());
        }
    }
    let mut hours: Vec<_> = hours.into_iter().collect();
    hours.sort_by_key(|&(_, appointments)| -appointments);
    let rows: Vec<Row> = hours
        .into_iter()
        .map(|((weekday, hour), appointments)| {
            let weekday = names.get(weekday as usize).copied().unwrap_or_default();
            Row::Peak { weekday, hour, appointments }
        })
        .collect();
    let Some(Row::Peak { weekday, hour, appointments }) = rows.first() else {
        return Told::nothing("visits");
    };
    let clock = chrono::NaiveTime::from_hms_opt(*hour, 0, 0).unwrap_or_default();
    let message = format!(
        "The busiest time was {weekday} from {} on, when {appointments} visits started.",
        clock.format("%-I %p")
    );
    Told { message, rows }
}

/// The services by how long they take.
pub fn durations(durations: Vec<Duration>) -> Told {
    let row = |duration: Duration| {
        let Duration { service_type, appointments, timed, .. } = duration;
        let worked = (timed > 0).then(|| ratio(duration.worked_seconds, timed * 60, 1));
        Row::Duration {
            service_type,
            appointments,
            average_minutes: ratio(duration.booked_seconds, appointments * 60, 1),
            average_worked_minutes: worked,
            worked_appointments: worked.is_some().then_some(timed),
        }
    };
    let seconds: i64 = durations.iter().map(|duration| duration.booked_seconds).sum();
    let visits: i64 = durations.iter().map(|duration| duration.appointments).sum();
    if visits == 0 {
        return Told::nothing("visits");
    }
    let average = ratio(seconds, visits * 60, 1);
    let message = format!("A visit was booked for {average} minutes on average.");
    let mut durations = durations;
    durations.sort_by_key(|d| {
        (std::cmp::Reverse(d.booked_seconds / d.appointments.max(1)), d.service_type.as_str())
    });
    Told { message, rows: durations.into_iter().map(row).collect() }
}

/// The months of a time, the first and the last in part, as the shop's calendar has them.
pub fn months(span: Interval, zone: Tz) -> Vec<(String, Interval)> {
    let mut months = Vec::new();
    let mut start = span.start;
    while start < span.end {
        let day = local_date(start, zone);
        let next = first_of_next_month(day).map(|day| day_bounds(day, zone).start);
        // A month always has an end, but for the last one of the calendar.
        let end = next.unwrap_or(span.end).min(span.end).max(start.plus_seconds(1));
        months.push((day.format("%Y-%m").to_string(), Interval { start, end }));
        start = end;
    }
    months
}

fn first_of_next_month(day: NaiveDate) -> Option<NaiveDate> {
    let (year, month) =
        if day.month() == 12 { (day.year() + 1, 1) } else { (day.year(), day.month() + 1) };
    NaiveDate::from_ymd_opt(year, month, 1)
}

/// What was received, by month and currency.
pub fn revenue(months: Vec<Revenue>) -> Result<Told, ToolError> {
    if months.is_empty() {
        return Ok(Told::nothing("payments"));
    }
    let mut totals: BTreeMap<&str, Money> = BTreeMap::new();
    let mut rows = Vec::with_capacity(months.len());
    for Revenue { month, currency, payments, amount_minor } in months {
        let Some(currency) = Currency::from_code(&currency) else {
            return Err(sqlx::Error::Decode("the code of no currency in ISO 4217".into()).into());
        };
        let total = totals.entry(currency.code()).or_insert(Money { minor: 0, currency });
        total.minor = total.minor.saturating_add(amount_minor);
        let amount = Money { minor: amount_minor, currency };
        rows.push(Row::Revenue { month, currency: currency.code(), payments, amount });
    }
    let totals: Vec<String> = totals.into_values().map(Money::spoken).collect();
    let message = format!("{} were received in that time.", totals.join(" and "));
    Ok(Told { message, rows })
}

/// A service as people say it.
fn plain(service: ServiceType) -> String {
    service.as_str().replace('_', " ")
}

/// A ratio with so many digits after the point.
#[expect(clippy::cast_precision_loss, reason = "an average for people to hear")]
fn ratio(part: i64, whole: i64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (part as f64 / whole.max(1) as f64 * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use chrono_tz::America::New_York;

    use super::*;
    use crate::domain::local_time::rfc3339;

    fn at(text: &str) -> Timestamp {
        text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time").into()
    }

    #[test]
    fn months_are_the_shops() {
        let span = Interval { start: at("2027-02-15T17:00:00Z"), end: at("2027-04-01T05:00:00Z") };
        let months = months(span, New_York);
        let told: Vec<_> = months
            .iter()
            .map(|(month, span)| {
                format!("{month} {} {}", rfc3339(span.start, New_York), rfc3339(span.end, New_York))
            })
            .collect();
        let expected = [
            "2027-02 2027-02-15T12:00:00-05:00 2027-03-01T00:00:00-05:00",
            "2027-03 2027-03-01T00:00:00-05:00 2027-04-01T00:00:00-04:00",
            "2027-04 2027-04-01T00:00:00-04:00 2027-04-01T01:00:00-04:00",
        ];
        assert_eq!(told, expected);
        let none = Interval { start: span.end, end: span.end };
        assert!(super::months(none, New_York).is_empty());
    }

    #[test]
    fn hours_are_those_of_the_clock_before_and_after_it_changes() {
        let stretch = |text| at(text).0 / STRETCH_SECONDS;
        // The clocks go forward on Sunday, March 14: nine o'clock comes an hour sooner.
        let starts = [
            (stretch("2027-03-12T14:00:00Z"), 1),
            (stretch("2027-03-19T13:00:00Z"), 2),
            (stretch("2027-03-19T14:15:00Z"), 1),
        ];
        let told = peaks(&starts, New_York);
        let rows = serde_json::to_string(&told.rows).expect("JSON");
        let expected = r#"[{"weekday":"Friday","hour":9,"appointments":3},{"weekday":"Friday","hour":10,"appointments":1}]"#;
        assert_eq!(rows, expected);
        assert_eq!(
            told.message,
            "The busiest time was Friday from 9 AM on, when 3 visits started."
        );
    }

    #[test]
    fn nothing_is_told_of_nothing() {
        assert_eq!(popular(Vec::new()).message, "There were no visits in that time.");
        assert_eq!(peaks(&[], New_York).message, "There were no visits in that time.");
        assert_eq!(durations(Vec::new()).message, "There were no visits in that time.");
        assert_eq!(
            no_shows(Vec::new()).message,
            "There were no visits that are over in that time."
        );
        let told = revenue(Vec::new()).expect("no currency");
        assert_eq!(told.message, "There were no payments in that time.");
    }
}
