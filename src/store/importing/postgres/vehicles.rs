//! Vehicles, in the order of their owners.

use std::collections::{HashMap, HashSet};

use sqlx::{Connection, FromRow};

use super::super::rows::{NewVehicle, Row};
use super::super::seen::Numbers;
use super::super::{ImportError, Outcome, OwnName, Refused, Settings};
use super::{
    COPY_KEYS, CopyText, Turn, Writer, by_place, copy_both, numbers, own_customers, own_vehicles,
    placed,
};

/// A row's owner, and whether the owner has a vehicle.
#[derive(Clone, Copy, FromRow)]
struct Owner {
    id: i64,
    has_vehicle: bool,
}

/// A row that is to be added.
struct New<'a> {
    id: i64,
    owner: Owner,
    place: i64,
    row: &'a NewVehicle,
}

#[derive(FromRow)]
struct Named {
    id: i64,
}

/// The vehicle with a row's VIN.
#[derive(Clone, Copy, FromRow)]
struct SameVin {
    id: i64,
    customer_id: i64,
    is_nameless: bool,
}

const OWNERS: &str = "
    select k.n, coalesce(c.merged_into, c.id) as id,
           exists (select 1 from vehicles v where v.customer_id = coalesce(c.merged_into, c.id)) as has_vehicle
    from import_keys k
    join customers c on c.crm_id = k.b";
const NAMED: &str = "
    select k.n, v.id from import_keys k join vehicles v on v.external_id = k.a";
const SAME_VIN: &str = "
    select k.n, v.id, v.customer_id, v.external_id is null as is_nameless
    from import_keys k
    join vehicles v on v.vin = k.c";
const COPY: &str =
    "copy vehicles (id, external_id, customer_id, vin, year, make, model, trim_level, color,
    license_plate, current_mileage, is_primary, created_at) from stdin";

/// What is on file of a turn's rows, and what the turn adds to it.
struct OnFile<'a> {
    owners: HashMap<i64, Owner>,
    named: HashMap<i64, Named>,
    own: HashMap<i64, (i64, i64)>,
    same_vin: HashMap<i64, SameVin>,
    new_names: HashSet<&'a str>,
    new_vins: HashMap<&'a str, SameVin>,
    /// The owners whose primary vehicle is one of the turn, and which row that is.
    primary: HashMap<i64, Option<i64>>,
    /// Vehicles that get the `external_id` of the row at a place.
    to_name: Vec<(i64, i64)>,
}

impl Writer {
    /// Takes vehicles, those of one owner in their order.
    pub async fn vehicles(
        &mut self,
        rows: &[NewVehicle],
        settings: &Settings,
    ) -> Result<Outcome, ImportError> {
        let mut outcome = Outcome::default();
        loop {
            let left = rows.get(outcome.done..).unwrap_or_default();
            let count = self.next_turn(left.len(), settings);
            let Some(rows) = left.get(..count).filter(|rows| !rows.is_empty()) else { break };
            let keys = keys(rows);
            let (mut turn, locked) = Self::begin(&mut self.connection, &keys).await?;
            let mut beside = self.beside.begin().await?;
            let mut on_file = OnFile::read(&mut turn, &mut beside, &keys, rows).await?;
            let ids = numbers(&mut turn, "vehicles", rows.len()).await?;
            let mut added: Vec<New<'_>> = Vec::with_capacity(rows.len());
            for ((place, row), id) in placed(rows).zip(ids) {
                match on_file.take(place, row, id, &settings.seen.vehicles) {
                    Ok(Some(owner)) => {
                        added.push(New { id, owner, place, row });
                        settings.seen.vehicles.insert(id);
                        outcome.added += 1;
                    }
                    Ok(None) => outcome.known += 1,
                    Err(refused) => outcome.refused.push((outcome.done, refused)),
                }
                outcome.done += 1;
            }
            let copies = on_file.write(&mut turn, rows, added, settings).await?;
            copy_both(&mut turn, &mut beside, copies, COPY).await?;
            Self::commit_beside(&mut turn, beside).await?;
            turn.commit().await?;
            self.note_pace(count, locked);
        }
        Ok(outcome)
    }
}

fn keys(rows: &[NewVehicle]) -> CopyText {
    let mut copy = CopyText::default();
    for (place, row) in placed(rows) {
        copy.plain(place).text(Some(&row.external_id)).text(Some(&row.customer_external_id));
        copy.text(row.vin.as_deref()).end();
    }
    copy
}

impl<'a> OnFile<'a> {
    async fn read(
        turn: &mut Turn<'_>,
        beside: &mut Turn<'_>,
        keys: &CopyText,
        rows: &[NewVehicle],
    ) -> sqlx::Result<Self> {
        let look_up_beside = async {
            keys.send(beside, COPY_KEYS).await?;
            let named: HashMap<i64, Named> = by_place(beside, NAMED).await?;
            let same_vin: HashMap<i64, SameVin> = by_place(beside, SAME_VIN).await?;
            Ok((named, same_vin))
        };
        let (owners, (named, same_vin)) = tokio::try_join!(by_place(turn, OWNERS), look_up_beside)?;
        let mut owners: HashMap<i64, Owner> = owners;
        let strangers = placed(rows).filter(|(place, _)| !owners.contains_key(place));
        let own = |(place, row): (i64, &NewVehicle)| {
            Some((place, row.customer_external_id.parse::<OwnName>().ok()?))
        };
        for (place, (_, id)) in own_customers(turn, strangers.filter_map(own).collect()).await? {
            let sql = "select exists (select 1 from vehicles where customer_id = $1)";
            let has_vehicle = sqlx::query_scalar(sql).bind(id).fetch_one(&mut **turn).await?;
            owners.insert(place, Owner { id, has_vehicle });
        }
        let own = placed(rows).filter_map(|(place, row)| Some((place, row.own_name()?))).collect();
        Ok(Self {
            owners,
            named,
            own: own_vehicles(turn, own).await?,
            same_vin,
            new_names: HashSet::new(),
            new_vins: HashMap::new(),
            primary: HashMap::new(),
            to_name: Vec::new(),
        })
    }

    /// The owner of a row that is new, `None` where it is on file, or why it is refused.
    fn take(
        &mut self,
        place: i64,
        row: &'a NewVehicle,
        id: i64,
        seen: &Numbers,
    ) -> Result<Option<Owner>, Refused> {
        let owner = self.owners.get(&place).copied();
        let owner = owner.ok_or(Refused::Unknown("customer_external_id"))?;
        if self.new_names.contains(&*row.external_id) {
            return Err(Refused::Repeated);
        }
        let own = || self.own.get(&place).map(|&(id, _)| id);
        if let Some(id) = self.named.get(&place).map(|named| named.id).or_else(own) {
            return if seen.insert(id) { Ok(None) } else { Err(Refused::Repeated) };
        }
        let new = row.vin.as_deref().and_then(|vin| self.new_vins.get(vin)).copied();
        if let Some(SameVin { id, customer_id, is_nameless }) =
            self.same_vin.get(&place).copied().or(new)
        {
            if customer_id != owner.id || !is_nameless {
                return Err(Refused::VinTaken { vehicle: id, customer: customer_id });
            }
            seen.insert(id);
            self.new_names.insert(&row.external_id);
            self.to_name.push((id, place));
            self.same_vin.values_mut().filter(|same| same.id == id).for_each(|same| {
                same.is_nameless = false;
            });
            return Err(Refused::SameVehicle(id));
        }
        self.new_names.insert(&row.external_id);
        if let Some(vin) = row.vin.as_deref() {
            let same = SameVin { id, customer_id: owner.id, is_nameless: false };
            self.new_vins.insert(vin, same);
        }
        self.note_primary(place, row, owner);
        Ok(Some(owner))
    }

    /// The first vehicle is the primary one, and a later one that is said to be takes that place.
    fn note_primary(&mut self, place: i64, row: &NewVehicle, owner: Owner) {
        let primary = self.primary.entry(owner.id).or_insert(None);
        if row.is_primary || (primary.is_none() && !owner.has_vehicle) {
            *primary = Some(place);
        }
    }

    fn is_primary(&self, new: &New<'_>) -> bool {
        self.primary.get(&new.owner.id) == Some(&Some(new.place))
    }

    /// Writes what changes of vehicles on file, and hands over the new ones, which may be written at the same time
    /// in two transactions.
    async fn write(
        self,
        turn: &mut Turn<'_>,
        rows: &[NewVehicle],
        mut added: Vec<New<'_>>,
        settings: &Settings,
    ) -> sqlx::Result<[CopyText; 2]> {
        added.sort_by_key(|new| (new.owner.id, new.place));
        let displaced: Vec<i64> = added
            .iter()
            .filter(|new| new.owner.has_vehicle && self.is_primary(new))
            .map(|new| new.owner.id)
            .collect();
        // Owners have all of their vehicles in one transaction, since one of these is the primary one.
        let mut first_beside = added.get(added.len() / 2).map(|new| new.owner.id);
        if !displaced.is_empty() {
            first_beside = None;
            let sql = "update vehicles set is_primary = false
                       where customer_id = any($1) and is_primary";
            sqlx::query(sql).bind(displaced).execute(&mut **turn).await?;
        }
        for &(vehicle, place) in &self.to_name {
            let row = usize::try_from(place).ok().and_then(|place| rows.get(place));
            let Some(row) = row else { continue };
            let sql = "update vehicles set external_id = $2 where id = $1";
            sqlx::query(sql).bind(vehicle).bind(row.external_id()).execute(&mut **turn).await?;
        }
        let (mut here, mut beside) = (CopyText::default(), CopyText::default());
        for new in added {
            let New { id, owner, row, .. } = new;
            let is_beside = first_beside.is_some_and(|first| owner.id >= first);
            let copy = if is_beside { &mut beside } else { &mut here };
            copy.plain(id)
                .text(Some(&row.external_id))
                .plain(owner.id)
                .text(row.vin.as_deref())
                .plain(row.year)
                .text(Some(&row.make))
                .text(Some(&row.model))
                .text(row.trim.as_deref())
                .text(row.color.as_deref())
                .text(row.license_plate.as_deref())
                .maybe(row.current_mileage)
                .plain(self.is_primary(&new))
                .plain(settings.now.0)
                .end();
        }
        Ok([here, beside])
    }
}
