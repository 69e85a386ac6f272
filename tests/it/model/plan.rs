//! The shop under test: its hours, bays, technicians and services, and who has which dates.

use std::fmt::Write;

use chrono::{Datelike, Days, NaiveDate, Utc};
use chrono_tz::Tz;

/// Every service type, as callers write it.
pub const SERVICES: [&str; 11] = [
    "oil_change",
    "tire_rotation",
    "brake_service",
    "brake_inspection",
    "inspection",
    "engine_diagnostics",
    "general_maintenance",
    "repair",
    "diagnostic",
    "recall",
    "other",
];

/// How many workers share the shop, each with a server process of its own.
pub const WORKERS: usize = 4;

/// Minutes of a day on the wall clock, the end excluded.
pub type Minutes = std::ops::Range<i64>;

/// A bay or a technician.
pub struct Resource {
    /// As the configuration and the replies name it.
    pub name: &'static str,
    /// What it does; `None`: everything.
    pub services: Option<&'static [&'static str]>,
}

/// Hours that replace those of the weekday.
pub struct SpecialHours {
    from: NaiveDate,
    to: NaiveDate,
    hours: &'static str,
    lunch: Option<&'static str>,
}

/// A shop, and who works on which of its dates.
pub struct Plan {
    pub zone: Tz,
    pub bays: Vec<Resource>,
    pub technicians: Vec<Resource>,
    special: Vec<SpecialHours>,
    closures: Vec<(NaiveDate, NaiveDate)>,
    /// The dates of each worker, in order, which nobody else touches.
    pub own: Vec<Vec<NaiveDate>>,
    /// The dates on which all workers meet.
    pub contested: Vec<NaiveDate>,
}

/// Elapsed minutes between two starts that are offered.
pub const INTERVAL_MINUTES: i64 = 25;
/// How far ahead visits can be booked; both clock changes are nearer.
pub const HORIZON_DAYS: u64 = 900;
const LUNCH: &str = "12:00-13:00";
const GENERAL_BUFFER_MINUTES: i64 = 10;
/// Monday first. The shop is open all through the nights from Saturday to Monday, in which clocks
/// change, and closed around them, so that no visit of one block reaches into another one.
const WEEKLY: [&str; 7] =
    ["00:00-17:10", "08:20-17:05", "closed", "closed", "09:00-12:30", "09:30-24:00", "00:00-24:00"];
/// Service, duration and buffer in minutes, where they are configured.
const CONFIGURED: [(&str, Option<i64>, Option<i64>); 4] = [
    ("oil_change", Some(35), Some(0)),
    ("repair", Some(95), Some(45)),
    ("tire_rotation", None, Some(15)),
    ("diagnostic", Some(50), None),
];

impl Plan {
    /// A shop in `zone`, whose clocks change on Sundays.
    pub fn new(zone: Tz) -> Self {
        let [first, second] = clock_changes(zone);
        let sundays = [first, second, first + Days::new(14), second + Days::new(28)].map(sunday);
        let around = |sunday: NaiveDate, from: u64, to: u64| -> Vec<NaiveDate> {
            (from..=to).map(|day| sunday - Days::new(2) + Days::new(day)).collect()
        };
        let meeting = sunday(first + Days::new(42));
        Self {
            zone,
            bays: bays(),
            technicians: technicians(),
            special: special_hours(&sundays),
            closures: vec![(sundays[3] + Days::new(1), sundays[3] + Days::new(2))],
            own: sundays.iter().map(|sunday| around(*sunday, 0, 5)).collect(),
            contested: around(meeting, 1, 3),
        }
    }

    /// The hours and lunch of a date; `None`: closed all day.
    pub fn hours_on(&self, date: NaiveDate) -> Option<(Minutes, Option<Minutes>)> {
        if self.closures.iter().any(|(from, to)| (*from..=*to).contains(&date)) {
            return None;
        }
        let special = self.special.iter().find(|row| (row.from..=row.to).contains(&date));
        let weekly = WEEKLY[date.weekday().num_days_from_monday() as usize];
        let hours = minutes(special.map_or(weekly, |row| row.hours))?;
        let lunch = special.and_then(|row| row.lunch).unwrap_or(LUNCH);
        Some((hours, minutes(lunch)))
    }

    /// How long a visit takes if nobody says so.
    pub fn duration_minutes(&self, service: Option<&str>, default: i64) -> i64 {
        configured(service).and_then(|(_, duration, _)| duration).unwrap_or(default)
    }

    /// How long bay and technician stay taken after a visit.
    pub fn buffer_minutes(&self, service: Option<&str>) -> i64 {
        configured(service).and_then(|(_, _, buffer)| buffer).unwrap_or(GENERAL_BUFFER_MINUTES)
    }

    /// The configuration file that says all this.
    pub fn toml(&self) -> String {
        let mut toml = String::new();
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        for (from, to) in &self.closures {
            write!(
                toml,
                "[[closures]]\nfrom = \"{from}\"\nto = \"{to}\"\nreason = \"Stocktaking\"\n"
            )
            .unwrap();
        }
        for SpecialHours { from, to, hours, lunch } in &self.special {
            write!(
                toml,
                "[[special_hours]]\nfrom = \"{from}\"\nto = \"{to}\"\nhours = \"{hours}\"\n"
            )
            .unwrap();
            if let Some(lunch) = lunch {
                writeln!(toml, "lunch = \"{lunch}\"").unwrap();
            }
        }
        for (table, rows) in [("bays", &self.bays), ("technicians", &self.technicians)] {
            for Resource { name, services } in rows {
                writeln!(toml, "[[{table}]]\nname = \"{name}\"").unwrap();
                if let Some(services) = services {
                    writeln!(toml, "services = {services:?}").unwrap();
                }
            }
        }
        writeln!(toml, "[hours]\nlunch = \"{LUNCH}\"").unwrap();
        for (day, hours) in days.iter().zip(WEEKLY) {
            writeln!(toml, "{day} = \"{hours}\"").unwrap();
        }
        write!(
            toml,
            "[booking]\nslot_interval_minutes = {INTERVAL_MINUTES}\nhorizon_days = {HORIZON_DAYS}\n\
             buffer_minutes = {GENERAL_BUFFER_MINUTES}\n"
        )
        .unwrap();
        for (service, duration, buffer) in CONFIGURED {
            writeln!(toml, "[services.{service}]").unwrap();
            for (key, value) in [("duration_minutes", duration), ("buffer_minutes", buffer)] {
                if let Some(value) = value {
                    writeln!(toml, "{key} = {value}").unwrap();
                }
            }
        }
        toml
    }
}

impl Resource {
    /// Whether it takes part in such a visit; one whose service is not known, anybody may do.
    pub fn does(&self, service: Option<&str>) -> bool {
        match (self.services, service) {
            (Some(services), Some(service)) => services.contains(&service),
            _ => true,
        }
    }

    /// How many services it does.
    pub fn breadth(&self) -> usize {
        self.services.map_or(SERVICES.len(), <[_]>::len)
    }
}

/// No bay does recalls; two bays, and two technicians, compete for most of the rest.
fn bays() -> Vec<Resource> {
    let north: &[&str] = &[
        "oil_change",
        "tire_rotation",
        "brake_service",
        "brake_inspection",
        "inspection",
        "engine_diagnostics",
        "general_maintenance",
        "diagnostic",
        "other",
    ];
    let lift: &[&str] =
        &["repair", "brake_service", "brake_inspection", "engine_diagnostics", "oil_change"];
    vec![
        Resource { name: "North", services: Some(north) },
        Resource { name: "South", services: Some(&["oil_change", "tire_rotation"]) },
        Resource { name: "Lift", services: Some(lift) },
    ]
}

fn technicians() -> Vec<Resource> {
    let kim: &[&str] =
        &["repair", "brake_service", "engine_diagnostics", "diagnostic", "general_maintenance"];
    vec![
        Resource { name: "Max", services: None },
        Resource { name: "Kim", services: Some(kim) },
        Resource { name: "Lee", services: Some(&["oil_change", "tire_rotation", "inspection"]) },
    ]
}

/// One on a weekday that is else closed, some without lunch, one with a lunch of its own.
fn special_hours(sundays: &[NaiveDate; WORKERS]) -> Vec<SpecialHours> {
    let row = |worker: usize, from: i64, to: i64, hours, lunch| {
        let date = |days| sundays[worker] + chrono::TimeDelta::days(days);
        SpecialHours { from: date(from), to: date(to), hours, lunch }
    };
    vec![
        row(0, 3, 3, "07:00-11:00", Some("09:00-09:20")),
        row(1, 2, 2, "10:10-21:40", None),
        row(2, -2, -1, "10:10-24:00", Some("none")),
        row(3, 3, 3, "13:00-15:00", None),
    ]
}

/// The next two dates after some weeks on which clocks change.
fn clock_changes(zone: Tz) -> [NaiveDate; 2] {
    let today = Utc::now().with_timezone(&zone).date_naive();
    let hours = |date: NaiveDate| {
        let midnight = |date: NaiveDate| {
            date.and_hms_opt(0, 0, 0).unwrap().and_local_timezone(zone).earliest().unwrap()
        };
        midnight(date + Days::new(1)) - midnight(date)
    };
    let dates = (14..HORIZON_DAYS).map(|day| today + Days::new(day));
    let mut changes = dates.filter(|date| hours(*date) != chrono::TimeDelta::hours(24));
    [changes.next().unwrap(), changes.next().unwrap()]
}

/// The Sunday on or after a date.
fn sunday(date: NaiveDate) -> NaiveDate {
    date + Days::new(u64::from((7 - date.weekday().num_days_from_sunday()) % 7))
}

fn configured(service: Option<&str>) -> Option<(&'static str, Option<i64>, Option<i64>)> {
    CONFIGURED.into_iter().find(|(name, ..)| Some(*name) == service)
}

/// The minutes of `09:00-17:00`; `None` for what is closed or none.
fn minutes(text: &str) -> Option<Minutes> {
    let (from, to) = text.split_once('-')?;
    let minute = |clock: &str| {
        let (hours, minutes) = clock.split_once(':').unwrap();
        hours.parse::<i64>().unwrap() * 60 + minutes.parse::<i64>().unwrap()
    };
    Some(minute(from)..minute(to))
}
