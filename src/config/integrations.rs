//! Settings of services to which this version does not connect yet: a warning, never an error.

use super::sources::Sources;

/// A section of the file, the variable that switches the service on, and what it would be.
type Service = (&'static str, Option<&'static str>, &'static str);

/// Services whose settings are known and checked.
const UNUSED: [Service; 1] =
    [("billing", Some("BILLING_API_ENDPOINT"), "remote billing service")];

/// A sentence for each service that is configured without effect.
pub(super) fn warnings(sources: &Sources) -> Vec<String> {
    let warning = |&(section, variable, what): &Service| {
        let in_environment = variable.filter(|name| sources.variable(name).is_some());
        let name = match in_environment {
            Some(name) => name.to_owned(),
            None => sources.section(section)?,
        };
        Some(format!("{name} is set, but this version connects to no {what}; it has no effect"))
    };
    UNUSED.iter().filter_map(warning).collect()
}
