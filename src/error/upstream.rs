//! What a caller is told of a service that failed.

use super::{Code, Refusal};
use crate::clients::{Upstream, UpstreamError};

/// What a caller is told. `is_change`: the service was to change something.
pub(super) fn refusal(service: Upstream, is_change: bool, error: &UpstreamError) -> Refusal {
    let what = format!("{}: {error}", service.name());
    if is_change && error.may_be_done() {
        let message = format!("{} did not confirm the change.", service.spoken());
        return Refusal::new(code(error), message, format!("{what}; it may or may not be made"))
            .hint(hint_in_doubt(service));
    }
    let what = if is_change { format!("{what}; nothing was changed") } else { what };
    Refusal::new(code(error), message(service, error), what).hint(hint(service, error))
}

/// What to do where nobody knows whether a change was made.
fn hint_in_doubt(service: Upstream) -> &'static str {
    match service {
        Upstream::Billing | Upstream::Inventory => {
            "Just the same again within 10 minutes counts once. Later, look first whether it was made."
        }
        Upstream::Nhtsa | Upstream::Crm | Upstream::Calendar => {
            "Look whether it was made before you send it again."
        }
    }
}

fn code(error: &UpstreamError) -> Code {
    match error {
        UpstreamError::Timeout => Code::UpstreamTimeout,
        UpstreamError::RateLimited { .. } => Code::UpstreamRateLimited,
        UpstreamError::CircuitOpen | UpstreamError::Off => Code::UpstreamUnavailable,
        UpstreamError::Unauthorized => Code::UpstreamUnauthorized,
        UpstreamError::Unsendable => Code::InvalidArgument,
        UpstreamError::Unavailable(_)
        | UpstreamError::Interrupted(_)
        | UpstreamError::Redirected(_)
        | UpstreamError::Status(_)
        | UpstreamError::Malformed { .. } => Code::UpstreamError,
        UpstreamError::InDoubt(last) => code(last),
    }
}

fn message(service: Upstream, error: &UpstreamError) -> String {
    let state = state(error);
    let now = if state == SILENT { " right now" } else { "" };
    format!("{} {state}{now}.", service.spoken())
}

const SILENT: &str = "does not answer";

/// What is the matter with a service, in words that read on after its name.
pub fn state(error: &UpstreamError) -> &'static str {
    match error {
        UpstreamError::RateLimited { .. } => "takes no more questions for the moment",
        UpstreamError::Unauthorized => "does not let us in",
        UpstreamError::Redirected(_) => "has moved to another address",
        UpstreamError::Unsendable => "cannot be asked about that",
        UpstreamError::Off => "is switched off here",
        UpstreamError::Status(400..=499) => "did not accept that",
        UpstreamError::Malformed { .. } => "gives no answer that can be used",
        _ => SILENT,
    }
}

fn hint(service: Upstream, error: &UpstreamError) -> String {
    let retry = match error {
        UpstreamError::RateLimited { retry_after_seconds } => try_again_in(*retry_after_seconds),
        UpstreamError::Unauthorized | UpstreamError::Redirected(_) => {
            "tell the shop, whose settings have to be mended: `servicebay doctor` says how"
                .to_owned()
        }
        UpstreamError::Off | UpstreamError::Status(400..=499) => {
            "tell the shop if it goes on".to_owned()
        }
        UpstreamError::Unsendable => "leave out signs that no id has".to_owned(),
        _ => "try again in a minute".to_owned(),
    };
    match service {
        Upstream::Nhtsa => format!("Take year, make and model from the customer, or {retry}."),
        Upstream::Crm | Upstream::Billing | Upstream::Inventory | Upstream::Calendar => {
            let mut retry = retry;
            if let Some(first) = retry.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            format!("{retry}.")
        }
    }
}

/// When to ask a service again that said how long to wait, if it did.
fn try_again_in(seconds: Option<u64>) -> String {
    match seconds {
        None => "try again in a minute".to_owned(),
        Some(0 | 1) => "try again in 1 second".to_owned(),
        Some(seconds @ ..=86_400) => format!("try again in {seconds} seconds"),
        Some(_) => "try again tomorrow".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_change: bool, error: &UpstreamError, expected: [&str; 2]) {
        let refusal = refusal(Upstream::Crm, is_change, error);
        assert_eq!([refusal.message(), refusal.next_step().unwrap_or_default()], expected);
    }

    #[test]
    fn a_caller_is_told_what_to_do_next() {
        let limited = UpstreamError::RateLimited { retry_after_seconds: Some(90) };
        let expected = [
            "The customer system takes no more questions for the moment.",
            "Try again in 90 seconds.",
        ];
        check(false, &limited, expected);
        check(true, &limited, expected);
        let silent = ["The customer system does not answer right now.", "Try again in a minute."];
        check(false, &UpstreamError::Timeout, silent);
        check(true, &UpstreamError::CircuitOpen, silent);
    }

    #[test]
    fn a_change_that_was_not_made_is_told_as_that() {
        for error in [UpstreamError::Status(422), UpstreamError::CircuitOpen] {
            let refusal = refusal(Upstream::Billing, true, &error);
            let what = format!("billing service: {error}; nothing was changed");
            assert_eq!(refusal.error(), what);
        }
    }

    #[test]
    fn what_only_the_settings_mend_is_told_as_that() {
        let mend = "Tell the shop, whose settings have to be mended: `servicebay doctor` says how.";
        for (error, state) in [
            (UpstreamError::Unauthorized, "does not let us in."),
            (UpstreamError::Redirected(301), "has moved to another address."),
        ] {
            let message = format!("The customer system {state}");
            check(false, &error, [&message, mend]);
            check(true, &error, [&message, mend]);
        }
    }

    #[test]
    fn a_change_that_may_be_made_is_no_failure_to_repeat() {
        let expected = [
            "The customer system did not confirm the change.",
            "Look whether it was made before you send it again.",
        ];
        for error in [UpstreamError::Timeout, UpstreamError::Status(500)] {
            check(true, &error, expected);
        }
    }
}
