//! Bays and technicians: the numbers by which reservations know them.

use super::{Session, Store, on};
use crate::domain::appointment::{Placement, ServiceType};
use crate::domain::assignment::{Assignment, Candidate, Candidates, Reserved, assign};
use crate::domain::id::ResourceId;
use crate::domain::shop::{Resource, Shop};
use crate::domain::time::{Interval, Timestamp};

/// The configured bays and technicians with their numbers, in the configured order.
#[derive(Clone, Debug, Default)]
pub struct Resources {
    bays: Vec<(ResourceId, Resource)>,
    technicians: Vec<(ResourceId, Resource)>,
}

/// What a visit needs a place for.
#[derive(Clone, Copy, Debug)]
pub struct Needed {
    /// From its start to its end.
    pub span: Interval,
    /// When bay and technician are free again.
    pub reserved_until: Timestamp,
    /// What is to be done, where that is known.
    pub service: Option<ServiceType>,
    /// The time around it in which it matters what else is reserved.
    pub window: Interval,
}

impl Resources {
    /// The bays that do this service.
    pub fn bays_for(&self, service: Option<ServiceType>) -> Vec<Candidate> {
        candidates_for(&self.bays, service)
    }

    /// The technicians who do this service.
    pub fn technicians_for(&self, service: Option<ServiceType>) -> Vec<Candidate> {
        candidates_for(&self.technicians, service)
    }

    /// The bay (and technician) for a visit at this time, if one is free until `reserved_until`.
    pub fn place(
        &self,
        needed: &Needed,
        taken: &[Reserved],
        preferred: Option<Assignment>,
    ) -> Option<Placement> {
        let Needed { span, reserved_until, service, window } = *needed;
        let bays = self.bays_for(service);
        let technicians = self.technicians_for(service);
        if self.has_technicians() && technicians.is_empty() {
            return None;
        }
        let candidates = Candidates { bays: &bays, technicians: &technicians };
        let reserved = Interval { start: span.start, end: reserved_until };
        let Assignment { bay, technician } =
            assign(reserved, window, &candidates, taken, preferred)?;
        Some(Placement { span, reserved_until, bay, technician })
    }

    /// The bays and the technicians with their names.
    pub fn names(&self) -> Vec<(ResourceId, &str)> {
        let all = self.bays.iter().chain(&self.technicians);
        all.map(|(id, resource)| (*id, resource.name.as_str())).collect()
    }

    /// What is taken, where a time of the whole shop takes every bay.
    pub fn spread(&self, taken: Vec<Reserved>) -> Vec<Reserved> {
        let whole_shop = |one: &Reserved| one.resource == ResourceId::WHOLE_SHOP;
        if !taken.iter().any(whole_shop) {
            return taken;
        }
        let (closed, mut taken): (Vec<_>, Vec<_>) = taken.into_iter().partition(whole_shop);
        for Reserved { span, .. } in closed {
            taken.extend(self.bays.iter().map(|&(resource, _)| Reserved { resource, span }));
        }
        taken
    }

    /// The name of a bay.
    pub fn bay_name(&self, id: ResourceId) -> &str {
        self.bays.iter().find(|(known, _)| *known == id).map_or("", |(_, bay)| &bay.name)
    }

    /// The name of a technician.
    pub fn technician_name(&self, id: ResourceId) -> &str {
        self.technicians.iter().find(|(known, _)| *known == id).map_or("", |(_, one)| &one.name)
    }

    /// Whether the shop named technicians, so that a visit needs one.
    pub fn has_technicians(&self) -> bool {
        !self.technicians.is_empty()
    }
}

fn candidates_for(
    resources: &[(ResourceId, Resource)],
    service: Option<ServiceType>,
) -> Vec<Candidate> {
    let able = resources.iter().filter(|(_, resource)| resource.does(service));
    able.map(|(id, resource)| Candidate { resource: *id, service_count: resource.service_count() })
        .collect()
}

impl Store {
    /// Numbers the configured bays and technicians; known names keep their numbers.
    pub(super) async fn name_resources(&self, shop: &Shop) -> sqlx::Result<Resources> {
        let known = self.read().await?.all_resources().await?;
        let bays = number(&known, "bay", &shop.bays);
        let technicians = number(&known, "technician", &shop.technicians);
        if let (Some(bays), Some(technicians)) = (bays, technicians) {
            return Ok(Resources { bays, technicians });
        }
        let mut session = self.write().await?;
        for (kind, resources) in [("bay", &shop.bays), ("technician", &shop.technicians)] {
            for resource in resources {
                session.insert_resource(kind, &resource.name).await?;
            }
        }
        let known = session.all_resources().await?;
        session.commit().await?;
        let bays = number(&known, "bay", &shop.bays).unwrap_or_default();
        let technicians = number(&known, "technician", &shop.technicians).unwrap_or_default();
        Ok(Resources { bays, technicians })
    }
}

/// `None` where one of them has no number yet.
fn number(
    known: &[(ResourceId, String, String)],
    kind: &str,
    resources: &[Resource],
) -> Option<Vec<(ResourceId, Resource)>> {
    let id_of = |resource: &Resource| {
        known.iter().find(|(_, k, name)| k == kind && *name == resource.name).map(|&(id, ..)| id)
    };
    resources.iter().map(|resource| Some((id_of(resource)?, resource.clone()))).collect()
}

impl Session {
    /// The number, the kind and the name of every bay and technician that there ever was.
    pub(super) async fn all_resources(
        &mut self,
    ) -> sqlx::Result<Vec<(ResourceId, String, String)>> {
        let sql = "select id, kind, name from resources";
        on!(self, |db| sqlx::query_as(sql).fetch_all(db).await)
    }

    /// Gives a bay or a technician its number.
    pub(super) async fn insert_resource(&mut self, kind: &str, name: &str) -> sqlx::Result<()> {
        let sql = "insert into resources (kind, name)
                   select $1, $2
                   where not exists (select 1 from resources where kind = $1 and name = $2)
                   on conflict do nothing";
        on!(self, |db| sqlx::query(sql).bind(kind).bind(name).execute(db).await.map(drop))
    }
}
