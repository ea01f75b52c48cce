//! The account files of an image: `/etc/passwd`, `/etc/group` and their shadows (passwd(5), group(5), shadow(5),
//! gshadow(5)). Lines that a step does not touch stay as they are, byte for byte.

use crate::base::ImagePath;
use crate::tree::resolve::resolve_fully;
use crate::tree::{Kind, Node, Tree};

use super::error::StepError;
use super::evaluate::Reader;

/// One of the four files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountFile {
    path: &'static str,
    /// Fields of a line.
    fields: usize,
    /// Mode if the file is made.
    pub mode: u16,
}

/// Users.
pub const PASSWD: AccountFile = AccountFile { path: "etc/passwd", fields: 7, mode: 0o644 };
/// Groups.
pub const GROUP: AccountFile = AccountFile { path: "etc/group", fields: 4, mode: 0o644 };
/// Passwords of users.
pub const SHADOW: AccountFile = AccountFile { path: "etc/shadow", fields: 9, mode: 0o640 };
/// Passwords of groups.
pub const GSHADOW: AccountFile = AccountFile { path: "etc/gshadow", fields: 4, mode: 0o640 };

impl AccountFile {
    /// Where it is.
    pub fn path(&self) -> ImagePath {
        ImagePath::parse(self.path.as_bytes()).unwrap_or_default()
    }
}

/// The lines of one file.
#[derive(Debug, Clone)]
pub struct Accounts {
    file: AccountFile,
    lines: Vec<String>,
    /// The node that the file has now, if it is there.
    pub node: Option<Node>,
}

/// One line, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(usize);

impl Accounts {
    /// Reads the file; one that is not there is empty.
    pub fn read(file: AccountFile, root: &Tree, reader: &Reader<'_>) -> Result<Self, StepError> {
        let path = resolve_fully(root, &file.path())?;
        let Some(node) = root.get(&path) else { return Ok(Self { file, lines: Vec::new(), node: None }) };
        let Kind::File { content, .. } = &node.kind else {
            return Err(StepError::DamagedAccounts { path, line: 1 });
        };
        let bytes = reader.read(content)?;
        let mut lines = Vec::new();
        for (at, line) in bytes.split(|b| *b == b'\n').enumerate() {
            let damaged = || StepError::DamagedAccounts { path: path.clone(), line: at + 1 };
            lines.push(std::str::from_utf8(line).map_err(|_| damaged())?.to_owned());
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Ok(Self { file, lines, node: Some(node.clone()) })
    }

    /// The entry of `name`.
    pub fn find(&self, name: &str) -> Option<Entry> {
        self.lines.iter().position(|line| line.split(':').next() == Some(name)).map(Entry)
    }

    /// The name that looks most like `name`, if one does.
    pub fn nearest(&self, name: &str) -> Option<String> {
        /// Two names that are less alike are not a slip of the fingers.
        const ALIKE: f64 = 0.7;
        let names = self.lines.iter().filter_map(|line| line.split(':').next());
        let scored = names.map(|known| (strsim::jaro_winkler(name, known), known));
        let best = scored.filter(|(score, _)| *score >= ALIKE).max_by(|(a, _), (b, _)| a.total_cmp(b));
        best.map(|(_, known)| known.to_owned())
    }

    /// The number in a field of an entry.
    pub fn number(&self, entry: Entry, field: usize) -> Result<u32, StepError> {
        let text = self.lines[entry.0].split(':').nth(field);
        let damaged = || StepError::DamagedAccounts { path: self.file.path(), line: entry.0 + 1 };
        text.and_then(|text| text.parse().ok()).ok_or_else(damaged)
    }

    /// The text in a field of an entry.
    pub fn field(&self, entry: Entry, field: usize) -> Option<&str> {
        self.lines.get(entry.0)?.split(':').nth(field)
    }

    /// The numbers of the groups that list `name` as a member.
    pub fn groups_of(&self, name: &str) -> Vec<u32> {
        let is_member = |line: &&String| {
            line.split(':').nth(3).is_some_and(|members| members.split(',').any(|member| member == name))
        };
        let lines = self.lines.iter().filter(is_member);
        lines.filter_map(|line| line.split(':').nth(2)?.parse().ok()).collect()
    }

    /// Who has the number in field 2.
    pub fn holder(&self, id: u32) -> Option<&str> {
        let text = id.to_string();
        self.lines.iter().find(|line| line.split(':').nth(2) == Some(&text)).and_then(|line| line.split(':').next())
    }

    /// Adds a line. Its fields are checked: none of them may break it.
    pub fn add(&mut self, fields: &[&str]) -> Result<(), StepError> {
        debug_assert_eq!(fields.len(), self.file.fields);
        for field in fields {
            if field.contains([':', '\n', '\r', '\0']) {
                return Err(StepError::BadField { value: (*field).to_owned() });
            }
        }
        self.lines.push(fields.join(":"));
        Ok(())
    }

    /// Adds `member` to the last field of an entry, the list of members.
    pub fn add_member(&mut self, entry: Entry, member: &str) {
        let line = &mut self.lines[entry.0];
        if !line.ends_with(':') {
            line.push(',');
        }
        line.push_str(member);
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text.into_bytes()
    }
}
