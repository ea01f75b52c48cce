//! The subordinate ids of a user (subuid(5), newuidmap(1)).

use std::fs;
use std::process::Command;

/// A range of ids of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub start: u32,
    /// How many.
    pub count: u32,
}

/// The ranges of one user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubordinateIds {
    uid: u32,
    gid: u32,
    users: Range,
    groups: Range,
}

/// How a user gets ids: the package that gives them, and the line that says which (usermod(8)).
pub(super) fn mend(user: Option<&str>) -> String {
    format!(
        "as root: apt install uidmap && usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {}",
        user.unwrap_or("USER")
    )
}

/// Fewer than this, and Debian's `nobody` (65534) would have no id.
pub const ENOUGH: u32 = 65_536;

/// The name of the user `uid` of this process, as `/etc/passwd` has it. Where that does not know the user, who may come from
/// a directory of the network, `said` is believed unless it is somebody else's name there.
pub fn name_of_caller(said: Option<String>) -> Option<String> {
    let text = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name(&text, rustix::process::geteuid().as_raw(), said)
}

/// `passwd` is passwd(5): `NAME:PASSWORD:UID:...`
fn name(passwd: &str, uid: u32, said: Option<String>) -> Option<String> {
    let entries = || passwd.lines().filter_map(|line| Some((line.split(':').next()?, line.split(':').nth(2)?)));
    let found = entries().find(|(_, number)| number.parse() == Ok(uid)).map(|(name, _)| name.to_owned());
    found.or_else(|| said.filter(|said| entries().all(|(name, _)| name != said)))
}

impl SubordinateIds {
    /// Those of the user `uid` called `name`.
    pub fn of(uid: u32, gid: u32, name: Option<&str>) -> Result<Self, String> {
        let largest = |file: &str| {
            let text = fs::read_to_string(file).map_err(|error| format!("`{file}` cannot be read: {error}"))?;
            let of_user = text.lines().filter_map(|line| parse(line, uid, name));
            let found = of_user.max_by_key(|range| range.count);
            found.filter(|range| range.count >= ENOUGH).ok_or_else(|| {
                format!("`{file}` has no range of {ENOUGH} ids for {}", name.map_or(uid.to_string(), str::to_owned))
            })
        };
        Ok(Self { uid, gid, users: largest("/etc/subuid")?, groups: largest("/etc/subgid")? })
    }

    /// Gives them to the user namespace of the process `pid`: 0 is the user, 1 and on are the range.
    pub(super) fn give_to(&self, pid: u32) -> Result<(), String> {
        for (program, own, range) in [("newuidmap", self.uid, self.users), ("newgidmap", self.gid, self.groups)] {
            let numbers = [0, own, 1, 1, range.start, range.count.min(u32::MAX - 1)].map(|number| number.to_string());
            let output = Command::new(program).arg(pid.to_string()).args(numbers).output();
            let output = output.map_err(|error| format!("`{program}` cannot be run: {error}"))?;
            if !output.status.success() {
                return Err(format!("`{program}` failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
            }
        }
        Ok(())
    }
}

/// `NAME-OR-UID:START:COUNT`
fn parse(line: &str, uid: u32, name: Option<&str>) -> Option<Range> {
    let mut fields = line.split(':');
    let who = fields.next()?;
    let (start, count) = (fields.next()?.trim().parse().ok()?, fields.next()?.trim().parse().ok()?);
    (Some(who) == name || who.parse() == Ok(uid)).then_some(Range { start, count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_one_of_the_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbroken\napp:x:1000:1000::/srv:/bin/sh\n";
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(name(passwd, 1000, said("root")), said("app"), "whatever USER is");
        assert_eq!(name(passwd, 1000, None), said("app"));
        assert_eq!(name(passwd, 5000, said("of-the-network")), said("of-the-network"));
        assert_eq!(name(passwd, 5000, said("app")), None, "that is somebody else");
        assert_eq!(name(passwd, 5000, None), None);
    }

    #[test]
    fn a_range_is_the_users_by_name_or_number() {
        let range = Some(Range { start: 100_000, count: 65_536 });
        assert_eq!(parse("app:100000:65536", 1000, Some("app")), range);
        assert_eq!(parse("1000:100000:65536", 1000, None), range);
        assert_eq!(parse("other:100000:65536", 1000, Some("app")), None);
        assert_eq!(parse("app:100000", 1000, Some("app")), None);
        assert_eq!(parse("", 1000, None), None);
    }
}
