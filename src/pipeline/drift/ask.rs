//! Asks registries, each question once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::base::BlobDigest;
use crate::input::each;
use crate::pipeline::error::Error;
use crate::publish::PublishError;
use crate::publish::drift::{Pin, Pinned, State};
use crate::registry::{Client, Repository};

/// Questions that are asked at once.
const QUESTIONS_AT_ONCE: usize = 8;

/// What a registry is asked: where, and a tag or a digest.
type Question = (Repository, String);

/// What is there; or why nobody knows.
type Answer = Result<Option<BlobDigest>, (String, Option<String>)>;

/// What became of each pin, in their order.
pub fn ask(pins: &[Pinned], client: &Client<'_>, interrupted: &AtomicBool) -> Result<Vec<State>, Error> {
    let first = |pin: &Pin| (pin.repository.clone(), pin.tag.clone().unwrap_or_else(|| pin.digest.to_string()));
    let by_digest = |pin: &Pin| (pin.repository.clone(), pin.digest.to_string());
    let asker = Asker { client, interrupted, silent: Mutex::default() };
    let mut answers = asker.answers(pins.iter().map(|pinned| first(&pinned.pin)).collect())?;
    let more = pins.iter().map(|pinned| &pinned.pin).filter(|pin| match answers.get(&first(pin)) {
        Some(Ok(held)) => pin.tag.is_some() && *held != Some(pin.digest),
        _ => false,
    });
    let more = more.map(by_digest).filter(|question| !answers.contains_key(question)).collect();
    answers.extend(asker.answers(more)?);
    let unasked = || Err(("it was not asked".to_owned(), None));
    let answer = |question: &Question| answers.get(question).cloned().unwrap_or_else(unasked);
    Ok(pins.iter().map(|Pinned { pin, .. }| state(pin, answer(&first(pin)), || answer(&by_digest(pin)))).collect())
}

/// From what holds the name, and what is under the digest.
fn state(pin: &Pin, name: Answer, by_digest: impl FnOnce() -> Answer) -> State {
    let unknown = |(why, hint): (String, Option<String>)| State::Unknown { why, hint };
    let held = match name {
        Ok(held) if held == Some(pin.digest) => return State::AsPinned,
        Ok(_) if pin.tag.is_none() => return State::Gone(None),
        Ok(held) => held,
        Err(error) => return unknown(error),
    };
    match by_digest() {
        Ok(found) if found == Some(pin.digest) => held.map_or(State::TagGone, State::Moved),
        Ok(_) => State::Gone(held),
        Err(error) => unknown(error),
    }
}

struct Asker<'a> {
    client: &'a Client<'a>,
    interrupted: &'a AtomicBool,
    /// Registries that nobody reaches: one after the other would be waited for.
    silent: Mutex<BTreeMap<String, (String, Option<String>)>>,
}

impl Asker<'_> {
    fn answers(&self, questions: BTreeSet<Question>) -> Result<BTreeMap<Question, Answer>, Error> {
        let questions: Vec<Question> = questions.into_iter().collect();
        let answers = each(&questions, QUESTIONS_AT_ONCE, |question| self.answer(question))?;
        Ok(questions.into_iter().zip(answers).collect())
    }

    fn answer(&self, (repository, wanted): &Question) -> Result<Answer, Error> {
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(PublishError::Interrupted.into());
        }
        let silent = || self.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = silent().get(&repository.registry).cloned();
        if let Some(why) = known {
            return Ok(Err(why));
        }
        match self.client.standing(repository, wanted) {
            Ok(held) => Ok(Ok(held)),
            Err(error) if error.is_interrupt() => Err(PublishError::Interrupted.into()),
            Err(error) => {
                let why = (error.in_one_line(), error.hint());
                if error.is_silence() {
                    silent().insert(repository.registry.clone(), why.clone());
                }
                Ok(Err(why))
            }
        }
    }
}
