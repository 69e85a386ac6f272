//! Customers.

use std::collections::HashMap;

use sqlx::{Connection, FromRow};

use super::super::deciding::{Decision, Facts, Namesake, Person, decide, is_alias};
use super::super::rows::{NewCustomer, Row};
use super::super::seen::Numbers;
use super::super::{ImportError, Outcome, Refused, Settings};
use super::{
    COPY_KEYS, CopyText, Turn, Writer, by_place, copy_both, numbers, own_customers, placed,
};

/// The record with a row's `external_id`, and whom it leads to where it does nothing else.
#[derive(FromRow)]
struct Named {
    id: i64,
    leads_to: Option<i64>,
    first_name: Option<String>,
    last_name: Option<String>,
}

#[derive(FromRow)]
struct Found {
    id: i64,
    first_name: String,
    last_name: String,
}

#[derive(FromRow)]
struct Target {
    id: i64,
}

const NAMED: &str = concat!(
    "select k.n, m.id, kept.id as leads_to, kept.first_name, kept.last_name
     from import_keys k
     join customers m on m.crm_id = k.a
     left join customers kept on kept.id = m.merged_into and ",
    is_alias!()
);
const BY_EMAIL: &str = "
    select k.n, c.id, c.first_name, c.last_name
    from import_keys k
    join customers m on m.email_key = k.b
    join customers c on c.id = coalesce(m.merged_into, m.id)";
const BY_PHONE: &str = "
    select k.n, c.id, c.first_name, c.last_name
    from import_keys k
    join customers m on m.phone_number = k.c
    join customers c on c.id = coalesce(m.merged_into, m.id)";
const TARGETS: &str = "
    select k.n, coalesce(c.merged_into, c.id) as id
    from import_keys k
    join customers c on c.crm_id = k.a";
const COPY: &str = "copy customers (id, crm_id, first_name, last_name, email, email_key, phone_number,
    phone_shared, created_at, last_contact, notes, account_status, tier, satisfaction_score, preferences,
    last_service_at, lifetime_value_minor, merged_into) from stdin";

/// What is on file of a turn's rows, and what the turn adds to it.
#[derive(Default)]
struct OnFile<'a> {
    named: HashMap<i64, Named>,
    own: HashMap<i64, (i64, i64)>,
    by_email: HashMap<i64, Found>,
    by_phone: HashMap<i64, Vec<Person>>,
    targets: HashMap<i64, Target>,
    new_names: HashMap<&'a str, i64>,
    new_emails: HashMap<&'a str, Person>,
    new_phones: HashMap<&'a str, Vec<Person>>,
}

impl Writer {
    /// Takes customers, in their order.
    pub async fn customers(
        &mut self,
        rows: &[NewCustomer],
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
            let ids = numbers(&mut turn, "customers", rows.len()).await?;
            let middle = outcome.done + count / 2;
            let (mut copies, mut merged) = (<[CopyText; 2]>::default(), CopyText::default());
            for ((place, row), id) in placed(rows).zip(ids) {
                let facts = on_file.facts(place, row, &settings.seen.customers);
                let decision = decide(row, facts, settings.allow_shared_phones);
                on_file.add(row, id, &decision);
                let [here, beside] = &mut copies;
                let copy = match &decision {
                    Decision::Add { merged_into: None, .. } if outcome.done < middle => here,
                    Decision::Add { merged_into: None, .. } => beside,
                    _ => &mut merged,
                };
                if write(copy, row, id, &decision) {
                    settings.seen.customers.insert(id);
                }
                outcome.note(decision);
            }
            copy_both(&mut turn, &mut beside, copies, COPY).await?;
            Self::commit_beside(&mut turn, beside).await?;
            // They lead to others, who are on file by now.
            merged.send(&mut turn, COPY).await?;
            turn.commit().await?;
            self.note_pace(count, locked);
        }
        Ok(outcome)
    }
}

impl Outcome {
    fn note(&mut self, decision: Decision) {
        match decision {
            Decision::Add { .. } => self.added += 1,
            Decision::Known => self.known += 1,
            Decision::Refuse(refused) => self.refused.push((self.done, refused)),
            Decision::Alias(Person { id, name }, by) => {
                self.refused.push((self.done, Refused::SamePerson { id, name, by }));
            }
        }
        self.done += 1;
    }
}

fn keys(rows: &[NewCustomer]) -> CopyText {
    let mut copy = CopyText::default();
    for (place, row) in placed(rows) {
        let phone = row.phone_number.as_ref().map(|phone| phone.as_str());
        copy.plain(place).text(Some(&row.external_id)).text(row.email_key.as_deref()).text(phone);
        copy.end();
    }
    copy
}

impl From<Found> for Person {
    fn from(Found { id, first_name, last_name }: Found) -> Self {
        Self { id, name: format!("{first_name} {last_name}") }
    }
}

impl<'a> OnFile<'a> {
    async fn read(
        turn: &mut Turn<'_>,
        beside: &mut Turn<'_>,
        keys: &CopyText,
        rows: &[NewCustomer],
    ) -> sqlx::Result<Self> {
        let ((named, own, targets), (by_email, by_phone)) =
            tokio::try_join!(by_name(turn, rows), by_contact(beside, keys))?;
        Ok(Self { named, own, by_email, by_phone, targets, ..Self::default() })
    }

    fn facts(&mut self, place: i64, row: &NewCustomer, seen: &Numbers) -> Facts {
        let namesake = self.namesake(place, row, seen);
        let mut facts = Facts { namesake, ..Facts::default() };
        if let Some(Named {
            leads_to: Some(id),
            first_name: Some(first),
            last_name: Some(last),
            ..
        }) = self.named.get(&place)
        {
            facts.leads_to = Some(Person { id: *id, name: format!("{first} {last}") });
        }
        let email = row.email_key.as_deref().and_then(|key| self.new_emails.get(key)).cloned();
        facts.by_email = self.by_email.remove(&place).map(Person::from).or(email);
        facts.by_phone = self.by_phone.remove(&place).unwrap_or_default();
        let phone = row.phone_number.as_ref().and_then(|phone| self.new_phones.get(phone.as_str()));
        facts.by_phone.extend(phone.into_iter().flatten().cloned());
        let target = self.targets.get(&place).map(|target| target.id);
        facts.target = target.or_else(|| self.new_names.get(row.merged_into()?).copied());
        facts
    }

    fn namesake(&self, place: i64, row: &NewCustomer, seen: &Numbers) -> Option<Namesake> {
        if self.new_names.contains_key(&*row.external_id) {
            return Some(Namesake { is_repeated: true });
        }
        let own = || self.own.get(&place).map(|&(id, _)| id);
        let id = self.named.get(&place).map(|named| named.id).or_else(own)?;
        Some(Namesake { is_repeated: !seen.insert(id) })
    }

    /// Notes what the following rows of the turn have to know of this one.
    fn add(&mut self, row: &'a NewCustomer, id: i64, decision: &Decision) {
        match decision {
            Decision::Add { merged_into, .. } => {
                let person = Person { id: merged_into.unwrap_or(id), name: row.full_name() };
                self.new_names.insert(&row.external_id, person.id);
                if let Some(phone) = &row.phone_number {
                    self.new_phones.entry(phone.as_str()).or_default().push(person.clone());
                }
                if let Some(key) = &row.email_key {
                    self.new_emails.insert(key, person);
                }
            }
            Decision::Alias(person, _) => drop(self.new_names.insert(&row.external_id, person.id)),
            Decision::Known | Decision::Refuse(_) => {}
        }
    }
}

/// Who has the rows' names, whom of ours they mean, and into whom they were merged.
async fn by_name(
    turn: &mut Turn<'_>,
    rows: &[NewCustomer],
) -> sqlx::Result<(HashMap<i64, Named>, HashMap<i64, (i64, i64)>, HashMap<i64, Target>)> {
    let named: HashMap<i64, Named> = by_place(turn, NAMED).await?;
    let nameless = placed(rows).filter(|(place, _)| !named.contains_key(place));
    let own = nameless.filter_map(|(place, row)| Some((place, row.own_name()?))).collect();
    let own = own_customers(turn, own).await?;
    Ok((named, own, targets(turn, rows).await?))
}

/// Who has the rows' e-mail addresses, and who their phone numbers.
async fn by_contact(
    turn: &mut Turn<'_>,
    keys: &CopyText,
) -> sqlx::Result<(HashMap<i64, Found>, HashMap<i64, Vec<Person>>)> {
    keys.send(turn, COPY_KEYS).await?;
    let by_email = by_place(turn, BY_EMAIL).await?;
    let mut by_phone: HashMap<i64, Vec<Person>> = HashMap::new();
    let people: Vec<(i64, i64, String, String)> =
        sqlx::query_as(BY_PHONE).persistent(false).fetch_all(&mut **turn).await?;
    for (place, id, first_name, last_name) in people {
        let person = Found { id, first_name, last_name }.into();
        by_phone.entry(place).or_default().push(person);
    }
    Ok((by_email, by_phone))
}

/// The customers into whom rows say that they were merged.
async fn targets(turn: &mut Turn<'_>, rows: &[NewCustomer]) -> sqlx::Result<HashMap<i64, Target>> {
    let mut copy = CopyText::default();
    for (place, row) in placed(rows) {
        if let Some(target) = row.merged_into() {
            copy.plain(place).text(Some(target)).text(None).text(None).end();
        }
    }
    if copy.is_empty() {
        return Ok(HashMap::new());
    }
    sqlx::query("delete from import_keys").execute(&mut **turn).await?;
    copy.send(turn, COPY_KEYS).await?;
    by_place(turn, TARGETS).await
}

/// Writes the row where it was decided to; whether it was.
fn write(copy: &mut CopyText, row: &NewCustomer, id: i64, decision: &Decision) -> bool {
    let (shared, merged_into, is_alias) = match decision {
        Decision::Add { phone_shared, merged_into } => (*phone_shared, *merged_into, false),
        Decision::Alias(person, _) => (true, Some(person.id), true),
        Decision::Known | Decision::Refuse(_) => return false,
    };
    // An alias only leads from its `external_id` to the customer on file.
    let own = |text: Option<&'_ str>| text.filter(|_| !is_alias).map(str::to_owned);
    let more = row.more.as_deref().filter(|_| !is_alias);
    let last_contact = more.and_then(|more| more.last_contact).unwrap_or(row.created_at).0;
    copy.plain(id)
        .text(Some(&row.external_id))
        .text(Some(&row.first_name))
        .text(Some(&row.last_name))
        .text(own(row.email.as_deref()).as_deref())
        .text(own(row.email_key.as_deref()).as_deref())
        .text(own(row.phone_number.as_ref().map(|phone| phone.as_str())).as_deref())
        .plain(shared)
        .plain(row.created_at.0)
        .maybe(Some(last_contact).filter(|_| !is_alias))
        .text(own(row.notes.as_deref()).as_deref())
        .text(Some(more.and_then(|more| more.account_status).map_or("active", |one| one.as_str())))
        .text(Some(more.and_then(|more| more.tier.as_deref()).unwrap_or("standard")))
        .maybe(more.and_then(|more| more.satisfaction_score))
        .text(Some(more.and_then(|more| more.preferences.as_deref()).unwrap_or("{}")))
        .maybe(more.and_then(|more| more.last_service_at).map(|at| at.0))
        .plain(more.map_or(0, |more| more.lifetime_value_minor))
        .maybe(merged_into)
        .end();
    true
}
