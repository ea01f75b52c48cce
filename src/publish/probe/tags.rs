//! Whether tags move.

use crate::registry::write::probe::{Condition, Prober, Told};
use crate::registry::{Manifest, RegistryError};

use super::content::Content;
use super::report::{Ability, Finding, Verdict};

/// What becomes of a tag that is written a second time: with a condition, and without.
struct Tried {
    told: Told,
    /// Whether it holds now what it was to hold.
    moved: bool,
}

/// What became of the condition, and of the tag.
pub(super) fn tags(
    prober: &mut Prober<'_>,
    content: &Content,
    first: &Manifest,
) -> Result<Vec<Finding>, RegistryError> {
    let created = prober.tag_it(first, Condition::Absent)?;
    let takes_condition = created.is_taken();
    let created = if takes_condition { created } else { prober.tag_it(first, Condition::None)? };
    if prober.holds()? != Some(first.digest) {
        let detail = format!("the tag cannot be created: {created}");
        return Ok([Ability::ImmutableTags, Ability::ConditionalPut]
            .map(|ability| Finding::new(ability, Verdict::Untested, detail.clone()))
            .into());
    }
    let second = content.image("second");
    let with_condition = write(prober, &second, Condition::Absent)?;
    let next = if with_condition.moved { first } else { &second };
    let plain = write(prober, next, Condition::None)?;
    let conditional = match takes_condition {
        true => conditional(&with_condition, &plain),
        false => Finding::new(
            Ability::ConditionalPut,
            Verdict::No,
            "a tag that is not there is refused as well if there is a condition",
        ),
    };
    Ok(vec![immutable(&plain, conditional.verdict), conditional])
}

fn write(prober: &mut Prober<'_>, manifest: &Manifest, condition: Condition) -> Result<Tried, RegistryError> {
    let told = prober.tag_it(manifest, condition)?;
    let moved = prober.holds()? == Some(manifest.digest);
    Ok(Tried { told, moved })
}

fn immutable(plain: &Tried, conditional: Verdict) -> Finding {
    let finding = |verdict, detail: String| Finding::new(Ability::ImmutableTags, verdict, detail);
    if !plain.moved {
        let (verdict, told) = (Verdict::Yes, &plain.told);
        return match plain.told.is_taken() {
            true => finding(verdict, format!("a tag keeps what it has, although the registry answers {told}")),
            false => finding(verdict, format!("a tag that is there is refused with {told}")),
        };
    }
    let closed = match conditional {
        Verdict::Yes => "; between two kilns the first one wins, because the registry hears the condition",
        _ => "",
    };
    finding(Verdict::No, "a second push moved the tag".to_owned()).advising(&format!(
        "tags can be moved by anybody who can push: make the repository immutable in the registry's settings; kiln itself \
         never moves one{closed}"
    ))
}

fn conditional(with_condition: &Tried, plain: &Tried) -> Finding {
    let finding = |verdict, detail: String| Finding::new(Ability::ConditionalPut, verdict, detail);
    let told = &with_condition.told;
    if with_condition.moved {
        return finding(Verdict::No, "`If-None-Match: *` is not heard: the tag was moved".to_owned());
    }
    // What happens without the condition too is not due to it.
    if !plain.moved && told.status == plain.told.status {
        return finding(Verdict::Untested, "tags are immutable, with a condition and without".to_owned());
    }
    match told.status {
        200..=299 => finding(Verdict::Partly, format!("a tag keeps what it has, although the registry answers {told}")),
        412 => finding(Verdict::Yes, "a tag that is there is refused with 412".to_owned()),
        _ => finding(Verdict::Partly, format!("a tag that is there is refused with {told}, not 412")),
    }
}
