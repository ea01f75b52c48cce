//! `[publish]`.

use crate::template::form::{self, Form};
use crate::template::grammar::ORDERS;
use crate::template::model::{Order, Publish};
use crate::template::value::Table;

use super::Reader;

pub(in crate::template) fn publish(reader: &mut Reader<'_>, root: &Table) -> Publish {
    let Some(table) = root.table("publish") else { return Publish::default() };
    let registry = |text: &str| form::is_registry(text).then(|| text.to_owned());
    let channel = |text: &str| form::is_channel(text).then(|| text.to_owned());
    Publish {
        registry: reader.word_at(table, "registry", Form::Registry, registry),
        channels: reader.words(table, "channels", Form::Channel, channel),
        order: reader.word_at(table, "order", Form::Choice(ORDERS), Order::named).unwrap_or_default(),
    }
}
