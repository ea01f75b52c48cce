//! Who an image runs as.

use crate::step::accounts::{Accounts, PASSWD};
use crate::step::{Reader, StepError, Who, who};
use crate::template::{Id, Owner};
use crate::tree::Tree;

/// The meaning of `config.User`, as engines have it: names are those of the image's accounts, and a number that has an
/// account gets that account's group, one without an account root's.
pub(super) fn of_image(user: Option<&str>, root: &Tree, reader: &Reader<'_>) -> Result<Who, StepError> {
    let Some(user) = user else { return who(None, root, reader) };
    let (user, group) = match user.split_once(':') {
        Some((user, group)) => (id(user), Some(id(group))),
        None => (id(user), None),
    };
    let group = match (&user, group) {
        (Id::Number(uid), None) => Some(Id::Number(group_of(*uid, root, reader)?)),
        (_, group) => group,
    };
    who(Some(&Owner { user, group }), root, reader)
}

fn id(text: &str) -> Id {
    text.parse().map_or_else(|_| Id::Name(text.to_owned()), Id::Number)
}

fn group_of(uid: u32, root: &Tree, reader: &Reader<'_>) -> Result<u32, StepError> {
    let accounts = Accounts::read(PASSWD, root, reader)?;
    match accounts.holder(uid).and_then(|name| accounts.find(name)) {
        Some(entry) => accounts.number(entry, 3),
        None => Ok(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ImagePath;
    use crate::step::Inline;
    use crate::tree::{Kind, Node};

    #[test]
    fn users_are_read_as_engines_read_them() {
        let (mut inline, mut root) = (Inline::default(), Tree::new());
        for (path, text) in [("etc/passwd", "app:x:1000:1001::/srv:/bin/sh\n"), ("etc/group", "web:x:33:app\n")] {
            let content = inline.keep(text.as_bytes().to_vec());
            let path = ImagePath::parse(path.as_bytes()).expect("a path");
            root.insert(path, Node::new(Kind::File { content, links: None }, 0o644));
        }
        let nothing = Inline::default();
        let mut found = |user: Option<&str>| {
            let who = of_image(user, &root, &Reader::new(&nothing, &mut inline))?;
            Ok::<_, StepError>((who.ids.uid, who.ids.gid, who.groups.contains(&33), who.home))
        };
        let app = (1000, 1001, true, "/srv".to_owned());
        assert_eq!(found(Some("app")).expect("known"), app);
        assert_eq!(found(Some("1000")).expect("known"), app, "a number's account has its group");
        assert_eq!(found(Some("1000:web")).expect("known"), (1000, 33, true, "/srv".to_owned()));
        assert_eq!(found(Some("7")).expect("a number"), (7, 0, false, "/".to_owned()));
        assert_eq!(found(None).expect("root"), (0, 0, false, "/root".to_owned()));
        assert!(matches!(found(Some("nobody")), Err(StepError::UnknownUser { .. })));
    }
}
