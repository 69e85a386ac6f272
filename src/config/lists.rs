//! The settings that are lists: closures, special hours, bays, technicians, toolsets.

use std::collections::HashSet;

use chrono::NaiveDate;
use toml::{Table, Value};

use crate::domain::appointment::ServiceType;
use crate::domain::clock_span::ClockSpan;
use crate::domain::hours::{Closure, SpecialHours};
use crate::domain::shop::Resource;
use crate::domain::text::fold;

use super::Toolset;
use super::error::Wrong;
use super::sources::{Input, show, text_of};
use super::values::{self, join, one_of, quote};

/// The most bays, and the most technicians, that a shop may name.
const MAX_RESOURCES: usize = 1000;

/// The days on which the shop is closed: `date`, or `from` and `to`, and a `reason`.
pub(super) fn closures(input: &Input) -> Result<Vec<Closure>, Wrong> {
    let entries = entries(input, &["date", "from", "to", "reason"])?;
    entries.iter().map(closure).collect()
}

/// The days with other hours: `date`, or `from` and `to`, their `hours`, `lunch` and a `reason`.
pub(super) fn special_hours(input: &Input) -> Result<Vec<SpecialHours>, Wrong> {
    let entries = entries(input, &["date", "from", "to", "hours", "lunch", "reason"])?;
    entries.iter().map(special).collect()
}

/// The bays, of which there is at least one.
pub(super) fn bays(input: &Input) -> Result<Vec<Resource>, Wrong> {
    let bays = resources(input)?;
    if bays.is_empty() {
        return Err(input.wrong("names no bay; a shop has at least one".to_owned()));
    }
    Ok(bays)
}

/// Bays or technicians: a `name`, and the `services` where not all are done.
pub(super) fn resources(input: &Input) -> Result<Vec<Resource>, Wrong> {
    let entries = entries(input, &["name", "services"])?;
    let resources = entries.iter().map(resource).collect::<Result<Vec<_>, _>>()?;
    check_names(&resources).map_err(Wrong::unshown)?;
    Ok(resources)
}

/// The bays as their number, or as their names by comma.
pub(super) fn bays_by_name(input: &Input) -> Result<Vec<Resource>, Wrong> {
    if !input.value.is_array() && input.text()?.parse::<f64>().is_ok() {
        let number = values::whole_number(&input.text()?, 1..=MAX_RESOURCES);
        let problem = |why| input.wrong(format!("{why}; or write the names of the bays by comma"));
        return number.map(numbered_bays).map_err(problem);
    }
    let bay = |name: &String| Ok(Resource { name: values::name(name)?, services: None });
    let bays = input.texts()?.iter().map(bay).collect::<Result<Vec<_>, String>>();
    let problem = |why| input.wrong(format!("has a name that {why}"));
    let bays = bays.map_err(problem)?;
    check_names(&bays).map_err(|why| input.wrong(why))?;
    match bays.len() {
        0 => Err(input.wrong("names no bay; a shop has at least one".to_owned())),
        _ => Ok(bays),
    }
}

/// `Bay 1` to `Bay N`, for every service.
pub(super) fn numbered_bays(count: usize) -> Vec<Resource> {
    let bay = |number| Resource { name: format!("Bay {number}"), services: None };
    (1..=count).map(bay).collect()
}

/// The toolsets, each once, in their usual order.
pub(super) fn toolsets(input: &Input) -> Result<Vec<Toolset>, Wrong> {
    let named = input.texts()?;
    let read = |text: &String| one_of(text, Toolset::ALL);
    let named = named.iter().map(read).collect::<Result<Vec<_>, _>>();
    let problem = |why| input.wrong(format!("names a toolset that {why}"));
    let named = named.map_err(problem)?;
    if named.is_empty() {
        let all = join(Toolset::ALL);
        return Err(input.wrong(format!("names no toolset; there are {all}")));
    }
    Ok(Toolset::ALL.iter().copied().filter(|toolset| named.contains(toolset)).collect())
}

/// The closures as a TOML array.
pub(super) fn show_closures(closures: &[Closure]) -> String {
    show_array(closures, |Closure { first, last, reason }| {
        format!("{{ {}{} }}", show_days(*first, *last), show_reason(reason))
    })
}

/// The special hours as a TOML array.
pub(super) fn show_special_hours(special: &[SpecialHours]) -> String {
    show_array(special, |SpecialHours { first, last, hours, lunch, reason }| {
        let days = show_days(*first, *last);
        let lunch = lunch.map_or_else(String::new, |lunch| {
            let lunch = lunch.map_or_else(|| "none".to_owned(), |lunch| lunch.to_string());
            format!(", lunch = \"{lunch}\"")
        });
        format!("{{ {days}, hours = \"{hours}\"{lunch}{} }}", show_reason(reason))
    })
}

/// The bays or technicians as a TOML array.
pub(super) fn show_resources(resources: &[Resource]) -> String {
    show_array(resources, |Resource { name, services }| {
        let services = services
            .as_deref()
            .map_or_else(String::new, |services| format!(", services = {}", show_texts(services)));
        format!("{{ name = {}{services} }}", quote(name))
    })
}

/// The bays as their number where they are only counted, else as their names.
pub(super) fn show_names(bays: &[Resource]) -> String {
    if bays == numbered_bays(bays.len()) {
        return bays.len().to_string();
    }
    show_texts(&bays.iter().map(|bay| &bay.name).collect::<Vec<_>>())
}

/// The values as a TOML array of strings.
pub(super) fn show_texts<T: ToString>(values: &[T]) -> String {
    let values: Vec<String> = values.iter().map(|value| quote(&value.to_string())).collect();
    format!("[{}]", values.join(", "))
}

fn show_array<T>(values: &[T], show: impl Fn(&T) -> String) -> String {
    if values.is_empty() {
        return "[]".to_owned();
    }
    let lines: String = values.iter().map(|value| format!("    {},\n", show(value))).collect();
    format!("[\n{lines}]")
}

fn show_days(first: NaiveDate, last: NaiveDate) -> String {
    if first == last {
        format!("date = \"{first}\"")
    } else {
        format!("from = \"{first}\", to = \"{last}\"")
    }
}

fn show_reason(reason: &str) -> String {
    match reason {
        "" => String::new(),
        reason => format!(", reason = {}", quote(reason)),
    }
}

/// How a list looks in a variable.
pub(super) fn example(key: &str) -> &'static str {
    match key {
        "closures" => r#"[{ date = "2027-12-25", reason = "Christmas Day" }]"#,
        "special_hours" => r#"[{ date = "2027-12-24", hours = "09:00-12:00" }]"#,
        _ => r#"[{ name = "North", services = ["oil_change"] }, { name = "South" }]"#,
    }
}

/// One table of a list.
struct Entry<'a> {
    /// Counted from 1.
    number: usize,
    table: &'a Table,
}

fn entries<'a>(input: &'a Input, known: &[&str]) -> Result<Vec<Entry<'a>>, Wrong> {
    let problem = |why: &str| Wrong::unshown(format!("{why} with {}", join(known)));
    let Value::Array(values) = &input.value else {
        let why = format!("is not a list of tables; write {}", example(input.key));
        return Err(input.wrong(why));
    };
    let mut entries = Vec::with_capacity(values.len());
    for (value, number) in values.iter().zip(1..) {
        let Value::Table(table) = value else {
            return Err(problem("has an entry that is not a table; write tables"));
        };
        let entry = Entry { number, table };
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            let why = format!("is not a setting; an entry knows {}", join(known));
            return Err(Wrong { shown: None, ..entry.wrong(&key.escape_debug().to_string(), why) });
        }
        entries.push(entry);
    }
    Ok(entries)
}

impl Entry<'_> {
    fn text(&self, key: &str) -> Result<Option<String>, Wrong> {
        let text = self.table.get(key).map(text_of).transpose();
        text.map_err(|why| self.wrong(key, why))
    }

    fn date(&self, key: &str) -> Result<Option<NaiveDate>, Wrong> {
        let parse = |text: String| NaiveDate::parse_from_str(&text, "%Y-%m-%d");
        let why = "is not a date; write it like 2027-12-25";
        self.text(key)?.map(parse).transpose().map_err(|_| self.wrong(key, why.to_owned()))
    }

    /// The first and the last of its days.
    fn days(&self) -> Result<(NaiveDate, NaiveDate), Wrong> {
        let (first, last) = match (self.date("date")?, self.date("from")?, self.date("to")?) {
            (Some(date), None, None) => (date, date),
            (None, Some(from), Some(to)) => (from, to),
            _ => return Err(self.missing("needs either date, or from and to")),
        };
        if last < first {
            return Err(self.wrong("to", format!("is before from = \"{first}\"")));
        }
        Ok((first, last))
    }

    fn reason(&self) -> Result<String, Wrong> {
        let reason = self.text("reason")?.filter(|reason| !reason.is_empty());
        let reason = reason.map(|reason| values::name(&reason)).transpose();
        reason.map(Option::unwrap_or_default).map_err(|why| self.wrong("reason", why))
    }

    fn wrong(&self, key: &str, why: String) -> Wrong {
        let at = format!(" entry {}: {key}", self.number);
        Wrong { at, shown: self.table.get(key).and_then(show), why }
    }

    fn missing(&self, what: &str) -> Wrong {
        Wrong::unshown(format!("entry {} {what}", self.number))
    }
}

fn closure(entry: &Entry) -> Result<Closure, Wrong> {
    let (first, last) = entry.days()?;
    Ok(Closure { first, last, reason: entry.reason()? })
}

fn special(entry: &Entry) -> Result<SpecialHours, Wrong> {
    let (first, last) = entry.days()?;
    let hours = entry.text("hours")?.ok_or_else(|| entry.missing("needs hours"))?;
    let problem = |error| entry.wrong("hours", format!("{error}; closed days are closures"));
    let hours = hours.parse::<ClockSpan>().map_err(problem)?;
    let lunch = entry.text("lunch")?.map(|lunch| values::lunch(&lunch)).transpose();
    let lunch = lunch.map_err(|why| entry.wrong("lunch", why))?;
    Ok(SpecialHours { first, last, hours, lunch, reason: entry.reason()? })
}

fn resource(entry: &Entry) -> Result<Resource, Wrong> {
    let name = entry.text("name")?.ok_or_else(|| entry.missing("needs a name"))?;
    let name = values::name(&name).map_err(|why| entry.wrong("name", why))?;
    let services = entry.table.get("services").map(services).transpose();
    let services = services.map_err(|why| entry.wrong("services", why))?;
    Ok(Resource { name, services })
}

fn services(value: &Value) -> Result<Vec<ServiceType>, String> {
    let all = join(ServiceType::ALL);
    let values = value.as_array().filter(|values| !values.is_empty());
    let values = values.ok_or_else(|| {
        format!("is not a list of services; leave it out for all, or name some of {all}")
    })?;
    let read = |value| one_of(&text_of(value)?, ServiceType::ALL);
    let problem = |why| format!("names a service that {why}");
    values.iter().map(read).collect::<Result<_, String>>().map_err(problem)
}

/// Checks that there are not too many, and that no two have the same name.
fn check_names(resources: &[Resource]) -> Result<(), String> {
    if resources.len() > MAX_RESOURCES {
        return Err(format!("has {} entries; at most {MAX_RESOURCES} fit", resources.len()));
    }
    let mut names = HashSet::new();
    // A caller cannot tell names apart by their case alone.
    let twice = resources.iter().find(|resource| !names.insert(fold(&resource.name)));
    twice.map_or(Ok(()), |resource| Err(format!("names {} twice", quote(&resource.name))))
}
