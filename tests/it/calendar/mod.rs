//! The shop's calendar, kept by a real CalDAV server.

mod blocks;
mod conflicts;
mod feed;
mod google;
mod importing;
mod outages;
mod partial;
mod writing;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::data;
use crate::radicale::Radicale;
use crate::shop::{Database, Owner, Shop};

/// How long a test waits for the calendar, on however busy a machine.
const LIMIT: Duration = Duration::from_secs(40);

/// A shop that is open all day, connected to a calendar of its own.
async fn connected(database: Database) -> (Shop, Radicale) {
    let radicale = Radicale::start().await;
    (connect(Shop::open_all_day(database, "").await, &radicale), radicale)
}

fn connect(mut shop: Shop, radicale: &Radicale) -> Shop {
    for (name, value) in radicale.settings() {
        shop = shop.with_env(name, value);
    }
    shop
}

/// What `look` finds, as soon as it finds something.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let started = Instant::now();
    while started.elapsed() < LIMIT {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("not in time: {what}");
}

/// The calendar's events, once they are so many and all of them are as `is_right` wants them.
async fn events(radicale: &Radicale, count: usize, is_right: impl Fn(&str) -> bool) -> Vec<String> {
    until("events", async || {
        let events = radicale.events().await;
        (events.len() == count && events.iter().all(|event| is_right(event))).then_some(events)
    })
    .await
}

/// The value of an event's property.
fn property<'e>(event: &'e str, name: &str) -> &'e str {
    let line = event.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {name}: {event}")).trim()
}

/// The shop's tomorrow.
fn tomorrow() -> chrono::NaiveDate {
    chrono::Utc::now().with_timezone(&zone()).date_naive().succ_opt().unwrap()
}

/// A local time of the shop so many hours from tomorrow's midnight on.
fn hour(hours: i64) -> String {
    let at = tomorrow().and_time(chrono::NaiveTime::MIN) + chrono::TimeDelta::hours(hours);
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// The same as iCalendar has it.
fn utc_hour(hours: i64) -> String {
    let local: chrono::NaiveDateTime = hour(hours).parse().unwrap();
    let at = local.and_local_timezone(zone()).unwrap().to_utc();
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

fn zone() -> chrono_tz::Tz {
    data::morning_zone().parse().unwrap()
}

/// The customer's only appointment to come.
async fn appointment(shop: &Shop, owner: Owner) -> Value {
    let reply = shop.call("get_upcoming_appointments", crate::shop::by_id(owner.customer_id)).await;
    reply.success()["appointments"][0].clone()
}
