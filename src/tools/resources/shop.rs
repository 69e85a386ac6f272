//! What the configuration says of the shop, for people and models to read.

use serde_json::{Value, json};

use crate::domain::appointment::{DEFAULT_DURATION_MINUTES, ServiceType};
use crate::domain::clock_span::ClockSpan;
use crate::domain::shop::{Resource, Shop};

const WEEKDAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// When the shop is open, and how far ahead it is booked.
pub(super) fn hours(shop: &Shop) -> Value {
    let lunch = |span: Option<ClockSpan>| span.map_or("none".to_owned(), |span| span.to_string());
    let hours = &shop.hours;
    let week: serde_json::Map<String, Value> = WEEKDAYS
        .iter()
        .zip(&hours.weekly)
        .map(|(day, open)| ((*day).to_owned(), json!(open.to_string())))
        .collect();
    let closures = hours.closures.iter().map(|closure| {
        json!({
            "from": closure.first.to_string(), "to": closure.last.to_string(),
            "reason": closure.reason,
        })
    });
    let special = hours.special.iter().map(|day| {
        let mut told = json!({
            "from": day.first.to_string(), "to": day.last.to_string(),
            "hours": day.hours.to_string(), "reason": day.reason,
        });
        if let (Some(own), Some(told)) = (day.lunch, told.as_object_mut()) {
            told.insert("lunch".to_owned(), json!(lunch(own)));
        }
        told
    });
    json!({
        "timezone": shop.zone.name(),
        "week": week,
        "lunch": lunch(hours.lunch),
        "closures": closures.collect::<Vec<_>>(),
        "special_hours": special.collect::<Vec<_>>(),
        "booking": {
            "slot_interval_minutes": shop.booking.slot_interval_minutes,
            "minimum_notice_minutes": shop.booking.minimum_notice_minutes,
            "horizon_days": shop.booking.horizon_days,
        },
    })
}

/// What the shop does, for how long, and where.
pub(super) fn services(shop: &Shop) -> Value {
    let doing = |all: &[Resource], service: ServiceType| -> Vec<String> {
        let doing = all.iter().filter(|resource| resource.does(Some(service)));
        doing.map(|resource| resource.name.clone()).collect()
    };
    let service = |&service: &ServiceType| {
        let duration = shop.duration_of(service).unwrap_or(DEFAULT_DURATION_MINUTES);
        let mut told = json!({
            "service_type": service,
            "duration_minutes": duration,
            "buffer_minutes": shop.buffer_of(Some(service)),
            "bays": doing(&shop.bays, service),
        });
        if let (false, Some(told)) = (shop.technicians.is_empty(), told.as_object_mut()) {
            told.insert("technicians".to_owned(), json!(doing(&shop.technicians, service)));
        }
        told
    };
    json!({ "services": ServiceType::ALL.iter().map(service).collect::<Vec<_>>() })
}
