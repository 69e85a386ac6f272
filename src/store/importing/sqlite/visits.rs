//! Visits that occupy nothing, in the order of their vehicles.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::deciding::is_called;
use super::super::order::order_of_visits;
use super::super::places::Places;
use super::super::rows::{BOOKED_BY, NewVisit, Row};
use super::super::{ImportError, Outcome, OwnName, Refused, Settings};
use super::Writer;
use super::ahead::{Ahead, PART, Scout};
use super::many::{Many, ROWS, Values};
use super::records::{Found, Who};

/// The columns of visits: first those of which every program says something.
const COLUMNS: &[&str] = &[
    "customer_id",
    "vehicle_id",
    "bay_id",
    "starts_at",
    "ends_at",
    "reserved_until",
    "service_type",
    "service_description",
    "customer_concerns",
    "notes",
    "status",
    "created_at",
    "updated_at",
    "external_id",
    "technician_id",
    "work_performed",
    "confirmation_sent",
    "cancellation_reason",
    "cancelled_at",
    "calendar_event_id",
    "booking_method",
    "booked_by",
];
/// Of the columns from here on, only an export says something. Without it there is nothing in them, but in two.
const MORE: usize = 14;
const WITHOUT_MORE: &[(&str, &str)] = &[("booking_method", BOOKED_BY), ("booked_by", BOOKED_BY)];

impl Scout {
    /// Who came with each of these visits, in the order in which they are written.
    pub fn visits(&self, rows: &Arc<Vec<NewVisit>>) -> Ahead<Found> {
        let rows = Arc::clone(rows);
        self.look_up(move |records, teller| {
            for places in order_of_visits(&rows).iter().flat_map(|places| places.chunks(PART)) {
                let some: Vec<&NewVisit> =
                    places.iter().filter_map(|&place| rows.get(place)).collect();
                let who = records.reading(|records| records.who(&some))?;
                if !teller.tell(places.iter().copied().zip(who).collect()) {
                    break;
                }
            }
            Ok(())
        })
    }
}

impl Writer {
    /// Takes closed visits, of which it was looked up ahead who came.
    pub fn visits(
        &mut self,
        rows: &Arc<Vec<NewVisit>>,
        ahead: Option<Ahead<Found>>,
        places: &Places,
        settings: &Settings,
    ) -> Result<Outcome, ImportError> {
        self.catch_up()?;
        let mut outcome = Outcome::default();
        let skips_triggers = self.skip_triggers(rows.iter().all(|row| !row.is_open()))?;
        self.check_places(rows.iter(), places)?;
        let mut ahead = self.current(ahead)?.unwrap_or_else(|| self.scout.visits(rows));
        let has_more = rows.iter().any(|row| row.more.is_some());
        let many = if has_more {
            Many::new("appointments", COLUMNS, &[], ROWS)
        } else {
            let usual = COLUMNS.get(..MORE).unwrap_or_default();
            Many::new("appointments", usual, WITHOUT_MORE, ROWS)
        };
        let visits = Visits { many, has_more, places, settings };
        outcome.done =
            self.in_turns(rows.len(), ahead.data_version, settings, |some, is_unchanged| {
                let mut here = ahead.get(some)?;
                let looked_up_again;
                if !is_unchanged {
                    // What somebody wrote since may have given the records to another customer.
                    looked_up_again = self.look_up_again(rows, here, places)?;
                    here = &looked_up_again;
                }
                if skips_triggers && self.insert_visits(&visits, rows, here)? {
                    for who in here.iter().flat_map(|(_, who)| who) {
                        outcome.added += 1;
                        outcome.customers.insert(who.customer);
                    }
                    return Ok(());
                }
                for &(place, who) in here {
                    let Some(row) = rows.get(place) else { continue };
                    let refused = self.visit(&visits, row, who, &mut outcome)?;
                    outcome.refused.extend(refused.map(|refused| (place, refused)));
                }
                Ok(())
            })?;
        Ok(outcome)
    }

    /// Who came with these rows, within a turn; their bays and technicians are still there.
    fn look_up_again(
        &self,
        rows: &[NewVisit],
        here: &[(usize, Found)],
        places: &Places,
    ) -> rusqlite::Result<Vec<(usize, Found)>> {
        let of_rows = here.iter().map(|&(place, _)| place);
        let rows: Vec<&NewVisit> = of_rows.clone().filter_map(|place| rows.get(place)).collect();
        self.check_places(rows.iter().copied(), places)?;
        Ok(of_rows.zip(self.records().who(&rows)?).collect())
    }

    /// Writes these rows if every one of them leads to a vehicle and is new.
    fn insert_visits(
        &self,
        visits: &Visits<'_>,
        rows: &[NewVisit],
        here: &[(usize, Found)],
    ) -> rusqlite::Result<bool> {
        let mut new = Vec::with_capacity(here.len());
        for (place, who) in here {
            match (rows.get(*place), who) {
                (Some(row), Ok(who)) if row.own_name().is_none() => new.push((row, *who)),
                _ => return Ok(false),
            }
        }
        let seen = &visits.settings.seen.visits;
        let before =
            self.insert_all(&visits.many, seen, &new, |values, new| visits.bind(values, new))?;
        Ok(before.is_some())
    }

    /// Takes one row; why it is not taken.
    fn visit(
        &self,
        visits: &Visits<'_>,
        row: &NewVisit,
        who: Found,
        outcome: &mut Outcome,
    ) -> rusqlite::Result<Option<Refused>> {
        let who = match who {
            Ok(who) => who,
            Err(column) => return Ok(Some(Refused::Unknown(column))),
        };
        let seen = &visits.settings.seen.visits;
        let own = self.own_visit(row)?;
        let is_added = own.is_none()
            && self
                .insert_one(&visits.many, seen, &(row, who), |values, new| {
                    visits.bind(values, new)
                })?
                .is_some();
        if is_added {
            outcome.added += 1;
        } else {
            let on_file = if own.is_some() { own } else { self.visit_called(row)? };
            if on_file.is_some_and(|id| !seen.insert(id)) {
                return Ok(Some(Refused::Repeated));
            }
            outcome.known += 1;
        }
        outcome.customers.insert(who.customer);
        Ok(None)
    }

    /// Fails where a bay or a technician of the rows is not there any more.
    fn check_places<'r>(
        &self,
        rows: impl Iterator<Item = &'r NewVisit>,
        places: &Places,
    ) -> rusqlite::Result<()> {
        let of_row = |row| [Some(places.bay(row)), places.technician(row)];
        let named: HashSet<i64> = rows.flat_map(of_row).flatten().collect();
        named.into_iter().try_for_each(|place| {
            let sql = "select 1 from resources where id = ?1";
            self.connection.prepare_cached(sql)?.query_row([place], |_| Ok(()))
        })
    }

    /// The visit of ours that an export called by its number, where the row is that.
    fn own_visit(&self, row: &NewVisit) -> rusqlite::Result<Option<i64>> {
        let Some(OwnName { id, .. }) = row.own_name() else { return Ok(None) };
        let sql = "select created_at from appointments where id = ?1 and external_id is null";
        let created_at = self.records().one(sql, [id], |row| row.get::<_, i64>(0))?;
        Ok(created_at.filter(|&created_at| is_called(row, id, created_at)).map(|_| id))
    }

    /// The visit that has the row's `external_id`.
    fn visit_called(&self, row: &NewVisit) -> rusqlite::Result<Option<i64>> {
        let sql = "select id from appointments where external_id = ?1";
        self.records().one(sql, [row.external_id()], |row| row.get(0))
    }
}

/// What is the same for all rows.
struct Visits<'a> {
    many: Many,
    /// Whether an export says more of some of them.
    has_more: bool,
    places: &'a Places,
    settings: &'a Settings,
}

impl Visits<'_> {
    fn bind(
        &self,
        values: &mut Values<'_, '_>,
        &(row, who): &(&NewVisit, Who),
    ) -> rusqlite::Result<()> {
        values.add(who.customer)?;
        values.add(who.vehicle)?;
        values.add(self.places.bay(row))?;
        values.add(row.span.start.0)?;
        values.add(row.span.end.0)?;
        values.add(row.reserved_until().0)?;
        values.add(row.service_type.as_str())?;
        values.add(row.service_description())?;
        values.add(row.customer_concerns())?;
        values.add(row.notes())?;
        values.add(row.status.as_str())?;
        values.add(row.created_at(self.settings.now).0)?;
        values.add(row.updated_at(self.settings.now).0)?;
        values.add(row.external_id())?;
        if !self.has_more {
            return Ok(());
        }
        let more = row.more.as_deref();
        values.add(self.places.technician(row))?;
        values.add(more.and_then(|more| more.work_performed.as_deref()))?;
        values.add(more.is_some_and(|more| more.confirmation_sent))?;
        values.add(more.and_then(|more| more.cancellation_reason.as_deref()))?;
        values.add(more.and_then(|more| more.cancelled_at).map(|at| at.0))?;
        values.add(more.and_then(|more| more.calendar_event_id.as_deref()))?;
        values.add(row.booking_method())?;
        values.add(row.booked_by())
    }
}
