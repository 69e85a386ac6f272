//! A visit whose time is still open, and the times that are free for it.

use chrono::{Days, NaiveDate};
use schemars::JsonSchema;
use serde::Serialize;

use super::none::unserved;
use crate::domain::appointment::{Placement, ServiceType};
use crate::domain::assignment::{Assignment, Candidates, Reserved};
use crate::domain::hours::Day;
use crate::domain::id::AppointmentId;
use crate::domain::local_time::{day_bounds, local_date, rfc3339, spoken};
use crate::domain::shop::Shop;
use crate::domain::slots::{Obstacle, Request, free_starts, nearest, obstacle};
use crate::domain::time::{Interval, Timestamp};
use crate::error::ToolError;
use crate::store::{Needed, Resources, Session};
use crate::tools::Call;

/// How many alternatives are offered.
const ALTERNATIVES: usize = 5;
/// How many days around a wanted time alternatives are looked for: first near by, where most shops
/// have some, and only then further away.
const REACHES_DAYS: [u64; 4] = [3, 14, 92, 400];
/// From this reach on, a few alternatives are enough.
const FAR_DAYS: u64 = 14;
/// How much shorter than its dates a reach may be: clocks change by two hours at most.
const CLOCK_CHANGE_SECONDS: u64 = 7200;

/// A visit whose time is still open.
#[derive(Clone, Copy, Debug)]
pub(in crate::tools) struct Wanted {
    /// The argument that names its time, for refusals.
    pub argument: &'static str,
    pub duration_minutes: i64,
    pub service: Option<ServiceType>,
    /// The appointment that is to be moved, whose own time counts as free.
    pub except: Option<AppointmentId>,
    /// The place that a hold kept for it; its notice was checked when it was kept.
    pub kept: Option<Assignment>,
}

/// A day and its free starts.
pub(in crate::tools) struct FreeDay {
    pub date: NaiveDate,
    pub starts: Vec<Timestamp>,
    pub closed_reason: Option<String>,
    pub obstacle: Option<Obstacle>,
}

/// A free start near the wanted one.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub(in crate::tools) struct Alternative {
    #[serde(skip)]
    pub start: Timestamp,
    /// RFC 3339 in the shop's zone.
    scheduled_at: String,
    /// The same to say aloud.
    pub when: String,
}

impl Wanted {
    /// The bay (and technician) for the visit at this time, if one is free all along, its buffer
    /// included.
    pub fn place(
        &self,
        span: Interval,
        resources: &Resources,
        taken: &[Reserved],
        call: &Call<'_>,
    ) -> Option<Placement> {
        let needed = Needed {
            span,
            reserved_until: span.end.plus_minutes(call.engine.shop().buffer_of(self.service)),
            service: self.service,
            window: self.window(span, call),
        };
        resources.place(&needed, &resources.spread(taken.to_vec()), self.kept)
    }

    /// The time around the visit in which it matters what else is reserved: its day, and its buffer.
    pub fn window(&self, span: Interval, call: &Call<'_>) -> Interval {
        let shop = call.engine.shop();
        let day = day_bounds(local_date(span.start, shop.zone), shop.zone);
        let reserved_until = span.end.plus_minutes(shop.buffer_of(self.service));
        Interval { start: day.start, end: day.end.max(reserved_until) }
    }

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
            // A late visit, or its buffer, may reach into the next day.
            end: day_bounds(last, shop.zone)
                .end
                .plus_minutes(self.duration_minutes)
                .plus_minutes(shop.buffer_of(self.service)),
        };
        let reserved =
            session.reservations(window, call.now, self.except, call.counts_blocks()).await?.taken;
        let reserved = resources.spread(reserved);
        let bays = resources.bays_for(self.service);
        let technicians = resources.technicians_for(self.service);
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let candidates = unserved(resources, self.service).is_none().then_some(candidates);
        let request = self.request(call);
        let free_day = |date| {
            let day = shop.hours.on(date, shop.zone);
            let free = |candidates| free_starts(&day, &request, candidates, &reserved);
            let starts = candidates.as_ref().map(free).unwrap_or_default();
            let obstacle = obstacle(&day, &request);
            let closed_reason = match day {
                Day::Closed { reason } => Some(reason),
                Day::Open { .. } => None,
            };
            FreeDay { date, starts, closed_reason, obstacle }
        };
        Ok(dates.into_iter().map(free_day).collect())
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

    /// Up to five free starts nearest to `wanted`, the nearest first.
    pub async fn alternatives(
        &self,
        session: &mut Session,
        resources: &Resources,
        wanted: Timestamp,
        call: &Call<'_>,
    ) -> Result<Vec<Alternative>, ToolError> {
        if unserved(resources, self.service).is_some() {
            return Ok(Vec::new());
        }
        let zone = call.engine.shop().zone;
        let wanted = wanted.min(latest(call)).max(earliest(call));
        let today = local_date(call.now, zone);
        let around = local_date(wanted, zone);
        let mut offers = Vec::new();
        for reach in REACHES_DAYS {
            let first =
                around.checked_sub_days(Days::new(reach)).map_or(today, |day| day.max(today));
            let back = around.signed_duration_since(first).num_days();
            let days = u64::try_from(back).unwrap_or_default() + 1 + reach;
            let days = self.free_days(session, resources, first, days, call).await?;
            let starts: Vec<Timestamp> = days.into_iter().flat_map(|day| day.starts).collect();
            offers = nearest(&starts, wanted, ALTERNATIVES);
            // What is further away than the dates reach may not be nearer than what lies beyond.
            let certain = reach * 86_400 - CLOCK_CHANGE_SECONDS;
            let is_certain = |start: &Timestamp| start.0.abs_diff(wanted.0) <= certain;
            let certain = offers.iter().filter(|start| is_certain(start)).count();
            if certain == ALTERNATIVES || (certain > 0 && reach >= FAR_DAYS) {
                offers.truncate(certain);
                break;
            }
        }
        let alternative = |start| Alternative {
            start,
            scheduled_at: rfc3339(start, zone),
            when: spoken(start, call.now, zone),
        };
        Ok(offers.into_iter().map(alternative).collect())
    }
}

/// The first start that may be booked.
pub(in crate::tools) fn earliest(call: &Call<'_>) -> Timestamp {
    // A visit that starts this very second has already started.
    call.now.plus_seconds(1).plus_minutes(call.engine.shop().booking.minimum_notice_minutes)
}

/// The last start that may be booked.
pub(in crate::tools) fn latest(call: &Call<'_>) -> Timestamp {
    let Shop { zone, booking, .. } = call.engine.shop();
    booking.latest_start(call.now, *zone)
}
