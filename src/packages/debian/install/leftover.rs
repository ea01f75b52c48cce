//! What a package had and its new version has not.

use std::collections::BTreeSet;

use crate::base::ImagePath;
use crate::tree::Kind;
use crate::tree::resolve::resolve_fully;

use super::Ground;
use super::database::Database;
use super::draft::Draft;
use super::error::InstallError;
use super::owners::Owners;
use super::record::{Kept, Record, replaces};
use super::sums::md5;

/// Where all files really are that somebody has. A file that nobody has under its old name may be one of these under
/// another, across the links of a merged `/usr`.
pub(super) fn places(owners: &Owners, database: &Database, draft: &Draft<'_>) -> BTreeSet<ImagePath> {
    let mut places = BTreeSet::new();
    for (path, owners) in owners.iter() {
        for owner in owners.iter().filter_map(|owner| database.records.get(*owner)) {
            // What lies behind a file is not there.
            places.extend(draft.place(&database.diversions.place(path, owner.package.name())).ok());
        }
    }
    places
}

/// Takes away the files of `old` that nobody has any more. Its conffiles stay, as obsolete ones of the new version. Gives
/// what went.
pub(super) fn remove(
    old: &Record,
    places: &BTreeSet<ImagePath>,
    draft: &mut Draft<'_>,
    database: &mut Database,
    owners: &mut Owners,
) -> Vec<ImagePath> {
    let mut gone = Vec::new();
    let Some(index) = database.records.iter().position(|new| replaces(&new.package, &old.package)) else {
        return gone;
    };
    // What is in a directory comes before the directory.
    let mut files: Vec<&ImagePath> = old.files.iter().filter(|path| !path.is_root()).collect();
    files.sort_unstable();
    for path in files.into_iter().rev() {
        let diverted = database.diversions.place(path, old.package.name());
        let Ok(place) = draft.place(&diverted) else { continue };
        if places.contains(&place) || draft.root().get(&place).is_none() {
            continue;
        }
        if let Some(kept) = old.conffiles.iter().find(|kept| kept.path == *path) {
            let Some(new) = database.records.get_mut(index) else { continue };
            if !new.conffiles.iter().any(|known| known.path == *path) {
                new.conffiles.push(Kept { is_obsolete: true, ..kept.clone() });
                new.files.push(path.clone());
                owners.add(path, index);
                database.note_list(index);
            }
            continue;
        }
        if draft.root().below(&place).next().is_some() {
            continue;
        }
        draft.remove(&place);
        gone.push(diverted);
    }
    gone
}

/// Takes away the conffiles that a package wants to get rid of: those that nobody changed. The others are put aside as
/// `.dpkg-old`.
pub(super) fn retire(
    new: &Record,
    draft: &mut Draft<'_>,
    owners: &Owners,
    ground: &Ground<'_>,
) -> Result<(), InstallError> {
    for kept in new.conffiles.iter().filter(|kept| kept.is_leaving && owners.of(&kept.path).is_empty()) {
        let place = resolve_fully(draft.root(), &kept.path)?;
        let Some(node) = draft.root().get(&place).cloned() else { continue };
        let Kind::File { content, .. } = &node.kind else { continue };
        let is_changed = md5(ground.contents, content, &place)? != kept.digest;
        draft.remove(&place);
        if is_changed && let Ok(aside) = ImagePath::parse(&[place.as_bytes(), b".dpkg-old"].concat()) {
            draft.put(aside, node);
        }
    }
    Ok(())
}
