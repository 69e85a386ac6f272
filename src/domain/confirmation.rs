//! The proof that a person was asked before something is done that cannot be undone.
//!
//! It travels by way of the client, or of the model, and comes back with the answer. So it is sealed:
//! it says until when it is good and what it was about, and whoever changes one of them, or brings it
//! along with other arguments, breaks the seal. It holds digests alone, nothing that says anything.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};

use super::time::Timestamp;

/// How long a proof is good, in seconds.
pub const VALID_SECONDS: i64 = 300;

const SECRET_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const STATE_BYTES: usize = 12;
const EXPIRY_BYTES: usize = 8;
const CLAIM_BYTES: usize = EXPIRY_BYTES + NONCE_BYTES + STATE_BYTES;
/// The first half of an HMAC-SHA256, which is what a short proof can carry.
const SEAL_BYTES: usize = 16;
/// Sealed along, so that a seal of another kind or version fits nothing here.
const PURPOSE: &[u8] = b"servicebay confirmation 1";

/// What seals are made with; one per database.
pub struct Secret(hmac::Key);

impl Secret {
    /// The secret that a text holds, as [`Secret::text_of`] wrote it.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == SECRET_BYTES).then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Random bytes as the text of a secret.
    pub fn text_of(random: [u8; SECRET_BYTES]) -> String {
        URL_SAFE_NO_PAD.encode(random)
    }
}

/// What a record is known by at one moment; another state of it is another one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct State([u8; STATE_BYTES]);

impl State {
    /// The state that a text describes.
    pub fn of(description: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, description.as_bytes());
        let mut state = [0; STATE_BYTES];
        state.iter_mut().zip(digest.as_ref()).for_each(|(to, from)| *to = *from);
        Self(state)
    }
}

/// What a person is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// A sentence to read aloud.
    pub sentence: String,
    /// What the record is now, and what is said of it.
    pub state: State,
}

impl Question {
    /// Asks this, about a record that this text describes. A yes is to the very sentence: where it would
    /// say anything else by then, be it a name alone, the person is asked anew.
    pub fn new(sentence: impl Into<String>, state: &str) -> Self {
        let sentence = sentence.into();
        let state = State::of(&format!("{sentence}\n{state}"));
        Self { sentence, state }
    }
}

/// What is to be done: a tool, and what its arguments are known by.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    /// The tool's name.
    pub tool: &'a str,
    /// What the arguments are known by.
    pub arguments: &'a str,
}

/// That a person was asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Proof {
    /// The last second at which it is good.
    pub expires_at: Timestamp,
    /// What tells it from every other one.
    pub nonce: [u8; NONCE_BYTES],
    /// What the record was when the person was asked.
    pub state: State,
}

impl Proof {
    /// The proof as a text, sealed for this deed alone.
    pub fn seal(&self, secret: &Secret, deed: Deed<'_>) -> String {
        let mut bytes = Vec::with_capacity(CLAIM_BYTES + SEAL_BYTES);
        bytes.extend_from_slice(&self.expires_at.0.to_be_bytes());
        bytes.extend_from_slice(&self.nonce);
        bytes.extend_from_slice(&self.state.0);
        let seal = hmac::sign(&secret.0, &sealed(deed, &bytes));
        bytes.extend(seal.as_ref().iter().take(SEAL_BYTES));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The proof that a text holds; `None` where its seal is not ours, or was for another deed.
    pub fn open(text: &str, secret: &Secret, deed: Deed<'_>) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok()?;
        let (claim, seal) = bytes.split_at_checked(CLAIM_BYTES)?;
        let expected = hmac::sign(&secret.0, &sealed(deed, claim));
        let expected = expected.as_ref().get(..SEAL_BYTES)?;
        // Every byte is compared, so that the time that it takes tells nothing.
        let differs = expected.iter().zip(seal).fold(0, |differs, (a, b)| differs | (a ^ b));
        if seal.len() != SEAL_BYTES || differs != 0 {
            return None;
        }
        let (expiry, rest) = claim.split_at_checked(EXPIRY_BYTES)?;
        let (nonce, state) = rest.split_at_checked(NONCE_BYTES)?;
        Some(Self {
            expires_at: Timestamp(i64::from_be_bytes(expiry.try_into().ok()?)),
            nonce: nonce.try_into().ok()?,
            state: State(state.try_into().ok()?),
        })
    }

    /// Whether it is too late to act on it.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now > self.expires_at
    }

    /// The nonce as text.
    pub fn nonce_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.nonce)
    }
}

/// What the seal is over; lengths keep two parts from being taken for one another.
fn sealed(deed: Deed<'_>, claim: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [PURPOSE, deed.tool.as_bytes(), deed.arguments.as_bytes(), claim] {
        bytes.extend_from_slice(&part.len().to_be_bytes());
        bytes.extend_from_slice(part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEED: Deed<'_> = Deed { tool: "cancel_appointment", arguments: "a" };

    fn secret(byte: u8) -> Secret {
        Secret::parse(&Secret::text_of([byte; SECRET_BYTES])).unwrap()
    }

    fn proof() -> Proof {
        Proof {
            expires_at: Timestamp(1000),
            nonce: [7; NONCE_BYTES],
            state: State::of("as it was"),
        }
    }

    #[test]
    fn a_proof_is_read_as_it_was_sealed() {
        let text = proof().seal(&secret(1), DEED);
        assert_eq!(Proof::open(&text, &secret(1), DEED), Some(proof()));
        assert!(text.len() <= 64, "{text}");
    }

    #[test]
    fn a_proof_for_another_deed_or_of_another_database_is_none() {
        let text = proof().seal(&secret(1), DEED);
        for deed in [
            Deed { arguments: "b", ..DEED },
            Deed { tool: "create_payment", ..DEED },
            Deed { tool: "cancel_appointmenta", arguments: "" },
        ] {
            assert_eq!(Proof::open(&text, &secret(1), deed), None, "{deed:?}");
        }
        assert_eq!(Proof::open(&text, &secret(2), DEED), None);
    }

    #[test]
    fn a_changed_proof_is_none() {
        let text = proof().seal(&secret(1), DEED);
        let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let changed = URL_SAFE_NO_PAD.encode(changed);
            assert_eq!(Proof::open(&changed, &secret(1), DEED), None, "byte {index}");
        }
        let longer = URL_SAFE_NO_PAD.encode([&bytes[..], &[0]].concat());
        for text in ["", "a", "!", &text[..text.len() - 4], &longer] {
            assert_eq!(Proof::open(text, &secret(1), DEED), None, "{text}");
        }
    }

    #[test]
    fn a_proof_is_good_up_to_its_last_second() {
        for (now, expected) in [(0, false), (1000, false), (1001, true)] {
            assert_eq!(proof().has_expired(Timestamp(now)), expected, "{now}");
        }
    }

    #[test]
    fn another_state_is_another_one() {
        assert_ne!(State::of("scheduled"), State::of("confirmed"));
    }

    #[test]
    fn a_question_is_known_by_its_sentence_and_its_record() {
        let question = |sentence: &str, state: &str| Question::new(sentence, state).state;
        assert_eq!(question("Cancel it?", "scheduled"), question("Cancel it?", "scheduled"));
        assert_ne!(question("Cancel it?", "scheduled"), question("Cancel it?", "confirmed"));
        assert_ne!(question("Cancel Ann's?", "scheduled"), question("Cancel Bo's?", "scheduled"));
    }
}
