//! How far a payment has come that a billing service was asked to record.

use serde_json::Value;

/// How far a payment has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Progress {
    /// It is recorded.
    Done,
    /// It may be recorded yet.
    UnderWay,
    /// It is not, and will not be.
    Refused,
}

impl Progress {
    /// Reads what is said of a payment. Most services say nothing where it is recorded, or have a word of
    /// their own for that, so that only words for the opposite count.
    pub fn of(payment: &Value) -> Self {
        let status = payment.get("status").or_else(|| payment.get("state"));
        let status = status.and_then(Value::as_str).unwrap_or_default().trim().to_lowercase();
        match status.replace([' ', '-'], "_").as_str() {
            "failed" | "failure" | "error" | "declined" | "rejected" | "refused" | "denied"
            | "cancelled" | "canceled" | "void" | "voided" | "reversed" | "expired" => {
                Self::Refused
            }
            "pending"
            | "processing"
            | "in_progress"
            | "queued"
            | "submitted"
            | "initiated"
            | "requires_action"
            | "requires_capture"
            | "requires_confirmation" => Self::UnderWay,
            _ => Self::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_payment_is_recorded_unless_it_is_said_not_to_be() {
        let check = |payment: Value, expected| assert_eq!(Progress::of(&payment), expected);
        for done in ["succeeded", "Completed", "recorded", "posted", ""] {
            check(json!({"status": done}), Progress::Done);
        }
        check(json!({"amount": 5}), Progress::Done);
        check(json!({"status": 7}), Progress::Done);
        check(json!({"status": "Declined"}), Progress::Refused);
        check(json!({"state": " FAILED "}), Progress::Refused);
        check(json!({"status": "in progress"}), Progress::UnderWay);
        check(json!({"status": "requires-action"}), Progress::UnderWay);
    }
}
