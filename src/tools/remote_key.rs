//! The key under which a remote system makes a change once, however often it is sent.

use sha2::{Digest, Sha256};

use crate::error::ToolError;

/// The caller's key, or one for this call alone. Of one that no header can carry, its hash.
///
/// # Errors
/// Where the system gives no random number.
pub(super) fn remote_key(key: Option<&str>) -> Result<String, ToolError> {
    match key {
        Some(key) if key.bytes().all(|byte| byte.is_ascii_graphic()) => Ok(key.to_owned()),
        Some(key) => Ok(hex(&Sha256::digest(key))),
        None => {
            let mut bytes = [0; 16];
            getrandom::fill(&mut bytes).map_err(ToolError::Random)?;
            Ok(hex(&bytes))
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_callers_or_nobody_elses() {
        let key = |key| remote_key(key).expect("a key");
        assert_eq!(key(Some("call-7")), "call-7");
        let hashed = key(Some("Anruf für Ann"));
        assert!(hashed.len() == 64 && hashed == key(Some("Anruf für Ann")), "{hashed}");
        assert_ne!(key(None), key(None));
    }
}
