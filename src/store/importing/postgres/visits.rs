//! Visits that occupy nothing, in the order of their vehicles.

use std::collections::{HashMap, HashSet};

use sqlx::{Connection, FromRow};

use super::super::order::order_of_visits;
use super::super::places::Places;
use super::super::rows::{NewVisit, Row};
use super::super::{ImportError, Outcome, OwnName, Refused, Settings};
use super::{
    COPY_KEYS, CopyText, Turn, Writer, by_place, numbers, own_customers, own_vehicles, own_visits,
    placed,
};

/// Who came with what, as far as it is known.
#[derive(Clone, Copy, FromRow)]
struct Who {
    vehicle: Option<i64>,
    owner: Option<i64>,
    customer: Option<i64>,
}

#[derive(FromRow)]
struct Named {
    id: i64,
}

/// Most visits are those of the vehicle's owner, who is looked up by the number.
const WHO: &str = "
    select k.n, v.id as vehicle, v.customer_id as owner,
           case when o.crm_id = k.c then coalesce(o.merged_into, o.id)
                else (select coalesce(c.merged_into, c.id) from customers c where c.crm_id = k.c)
           end as customer
    from import_keys k
    left join vehicles v on v.external_id = k.b
    left join customers o on o.id = v.customer_id";
const NAMED: &str = "
    select k.n, a.id from import_keys k join appointments a on a.external_id = k.a";
const COPY: &str =
    "copy appointments (id, external_id, customer_id, vehicle_id, bay_id, technician_id,
    starts_at, ends_at, reserved_until, service_type, service_description, customer_concerns, notes,
    work_performed, status, confirmation_sent, cancellation_reason, cancelled_at, calendar_event_id,
    booking_method, booked_by, created_at, updated_at) from stdin";

impl Writer {
    /// Takes closed visits.
    pub async fn visits(
        &mut self,
        rows: &[NewVisit],
        places: &Places,
        settings: &Settings,
    ) -> Result<Outcome, ImportError> {
        let [first, repeated] = order_of_visits(rows);
        let mut outcome = Outcome::default();
        // A row that repeats another one is not written beside it, but after it.
        for (mut left, connections) in [(&*first, 2), (&*repeated, 1)] {
            loop {
                let (turn, rest) = left.split_at(self.next_turn(left.len(), settings));
                if turn.is_empty() {
                    break;
                }
                left = rest;
                let (here, beside) = turn.split_at(turn.len().div_ceil(connections));
                let pick = |places: &[usize]| -> Vec<&NewVisit> {
                    places.iter().filter_map(|&place| rows.get(place)).collect()
                };
                let visits =
                    [pick(here), pick(beside)].map(|rows| Visits { rows, places, settings });
                let [taken, taken_beside] = self.visits_turn(&visits).await?;
                outcome.add(taken, here);
                outcome.add(taken_beside, beside);
            }
        }
        Ok(outcome)
    }

    /// A turn: some visits are taken over one connection, and some over the other one.
    async fn visits_turn(
        &mut self,
        [here, beside]: &[Visits<'_>; 2],
    ) -> sqlx::Result<[Outcome; 2]> {
        let (mut turn, locked) = Self::begin(&mut self.connection, &here.keys()).await?;
        let take_beside = async {
            let mut turn = self.beside.begin().await?;
            beside.keys().send(&mut turn, COPY_KEYS).await?;
            let outcome = beside.take(&mut turn).await?;
            Ok((turn, outcome))
        };
        let (outcome, (turn_beside, outcome_beside)) =
            tokio::try_join!(here.take(&mut turn), take_beside)?;
        Self::commit_beside(&mut turn, turn_beside).await?;
        turn.commit().await?;
        self.note_pace(here.rows.len() + beside.rows.len(), locked);
        Ok([outcome, outcome_beside])
    }
}

/// Visits that are taken in one transaction.
struct Visits<'a> {
    rows: Vec<&'a NewVisit>,
    places: &'a Places,
    settings: &'a Settings,
}

impl Visits<'_> {
    fn keys(&self) -> CopyText {
        let mut copy = CopyText::default();
        for (place, row) in placed(&self.rows) {
            copy.plain(place).text(Some(row.external_id())).text(Some(row.vehicle_external_id()));
            copy.text(row.customer_external_id()).end();
        }
        copy
    }

    async fn take(&self, turn: &mut Turn<'_>) -> sqlx::Result<Outcome> {
        let (rows, settings) = (&self.rows, self.settings);
        let mut outcome = Outcome::default();
        if rows.is_empty() {
            return Ok(outcome);
        }
        let who = who(turn, rows).await?;
        let named: HashMap<i64, Named> = by_place(turn, NAMED).await?;
        let own = placed(rows).filter_map(|(place, row)| Some((place, row.own_name()?)));
        let own = own_visits(turn, own.collect()).await?;
        let mut new_names = HashSet::new();
        let mut added: Vec<(i64, i64, &NewVisit)> = Vec::with_capacity(rows.len());
        for (place, row) in placed(rows) {
            let found = who.get(&place).copied();
            let own = || own.get(&place).map(|&(id, _)| id);
            let on_file = named.get(&place).map(|named| named.id).or_else(own);
            match found.map_or(Err("vehicle_external_id"), |found| found.check(row)) {
                Err(column) => outcome.refused.push((outcome.done, Refused::Unknown(column))),
                Ok(_)
                    if new_names.contains(row.external_id())
                        || on_file.is_some_and(|id| !settings.seen.visits.insert(id)) =>
                {
                    outcome.refused.push((outcome.done, Refused::Repeated));
                }
                Ok((_, customer)) if on_file.is_some() => {
                    outcome.known += 1;
                    outcome.customers.insert(customer);
                }
                Ok((vehicle, customer)) => {
                    new_names.insert(row.external_id());
                    outcome.added += 1;
                    outcome.customers.insert(customer);
                    added.push((vehicle, customer, row));
                }
            }
            outcome.done += 1;
        }
        self.write(turn, added).await?;
        Ok(outcome)
    }

    async fn write(
        &self,
        turn: &mut Turn<'_>,
        mut added: Vec<(i64, i64, &NewVisit)>,
    ) -> sqlx::Result<()> {
        let (places, settings) = (self.places, self.settings);
        added.sort_by_key(|&(vehicle, customer, _)| (vehicle, customer));
        let ids = numbers(turn, "appointments", added.len()).await?;
        let mut copy = CopyText::default();
        for ((vehicle, customer, row), id) in added.into_iter().zip(ids) {
            settings.seen.visits.insert(id);
            let more = row.more.as_deref();
            copy.plain(id)
                .text(Some(row.external_id()))
                .plain(customer)
                .plain(vehicle)
                .plain(places.bay(row))
                .maybe(places.technician(row))
                .plain(row.span.start.0)
                .plain(row.span.end.0)
                .plain(row.reserved_until().0)
                .plain(row.service_type)
                .text(row.service_description())
                .text(row.customer_concerns())
                .text(row.notes())
                .text(more.and_then(|more| more.work_performed.as_deref()))
                .plain(row.status)
                .plain(more.is_some_and(|more| more.confirmation_sent))
                .text(more.and_then(|more| more.cancellation_reason.as_deref()))
                .maybe(more.and_then(|more| more.cancelled_at).map(|at| at.0))
                .text(more.and_then(|more| more.calendar_event_id.as_deref()))
                .text(Some(row.booking_method()))
                .text(Some(row.booked_by()))
                .plain(row.created_at(settings.now).0)
                .plain(row.updated_at(settings.now).0)
                .end();
        }
        copy.send(turn, COPY).await
    }
}

impl Who {
    /// Vehicle and customer, or the column that leads nowhere.
    fn check(self, row: &NewVisit) -> Result<(i64, i64), &'static str> {
        let vehicle = self.vehicle.ok_or("vehicle_external_id")?;
        let customer = match row.customer_external_id() {
            Some(_) => self.customer,
            None => self.owner,
        };
        Ok((vehicle, customer.ok_or("customer_external_id")?))
    }
}

async fn who(turn: &mut Turn<'_>, rows: &[&NewVisit]) -> sqlx::Result<HashMap<i64, Who>> {
    let mut who: HashMap<i64, Who> = by_place(turn, WHO).await?;
    let is_open = |place: &i64, open: fn(&Who) -> bool| who.get(place).is_some_and(open);
    let vehicles = placed(rows).filter(|(place, _)| is_open(place, |who| who.vehicle.is_none()));
    let vehicles = vehicles
        .filter_map(|(place, row)| {
            Some((place, row.vehicle_external_id().parse::<OwnName>().ok()?))
        })
        .collect();
    let customers = placed(rows).filter(|(place, _)| is_open(place, |who| who.customer.is_none()));
    let customers = customers
        .filter_map(|(place, row)| {
            Some((place, row.customer_external_id()?.parse::<OwnName>().ok()?))
        })
        .collect();
    for (place, (vehicle, owner)) in own_vehicles(turn, vehicles).await? {
        if let Some(who) = who.get_mut(&place) {
            (who.vehicle, who.owner) = (Some(vehicle), Some(owner));
        }
    }
    for (place, (_, customer)) in own_customers(turn, customers).await? {
        if let Some(who) = who.get_mut(&place) {
            who.customer = Some(customer);
        }
    }
    Ok(who)
}
