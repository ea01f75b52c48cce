//! Differences as plain lines for people.

use std::fmt::{self, Display, Formatter};

use super::cause::{Cause, Covers};
use super::difference::{Both, Comparison, Detail, Difference, Run};
use super::insight::{Archive, Bytes, Compressed, Differing, Elf, Insight, Names, Pyc, Section, Sqlite, Text};

/// Blanks of each level.
const STEP: &str = "  ";

impl Display for Comparison {
    /// Every difference, then how many were left out.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.differences.iter().try_for_each(|difference| difference.fmt(f))?;
        if self.left_out > 0 {
            writeln!(f, "and {} more", count(self.left_out, "path"))?;
        }
        Ok(())
    }
}

impl Display for Difference {
    /// The path and what differs on one line, then a line or more for each detail, then cause and advice.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.details.iter().map(word).collect();
        write!(f, "{}: {}", self.path, words.join(", "))?;
        if let [Detail::Only { below, .. }] = self.details.as_slice()
            && *below > 0
        {
            write!(f, ", with {} below it", count(*below, "path"))?;
        }
        writeln!(f)?;
        let mut lines = Lines { out: f, indent: STEP.to_owned() };
        self.details.iter().try_for_each(|detail| lines.detail(detail))?;
        if let Some(cause) = &self.cause {
            lines.put(&format!("cause: {cause}"))?;
            lines.put(&format!("mend: {}", cause.known.advice()))?;
        }
        Ok(())
    }
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(self.known.what())?;
        if self.covers == Covers::Part { f.write_str(" (not all of the difference)") } else { Ok(()) }
    }
}

impl Display for Run {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "the first run",
            Self::Second => "the second run",
        })
    }
}

fn word(detail: &Detail) -> &'static str {
    match detail {
        Detail::Only { run: Run::First, .. } => "only in the first run",
        Detail::Only { run: Run::Second, .. } => "only in the second run",
        Detail::Opaque { .. } => "opaque",
        Detail::Type { .. } => "type",
        Detail::Mode { .. } => "mode",
        Detail::Owner { .. } => "owner",
        Detail::Xattrs { .. } => "extended attributes",
        Detail::Time { .. } => "time",
        Detail::Target { .. } => "link target",
        Detail::Device { .. } => "device",
        Detail::Links { .. } => "hard links",
        Detail::Content { .. } => "content",
    }
}

fn count(number: usize, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

fn time(seconds: i64) -> String {
    match jiff::Timestamp::from_second(seconds) {
        Ok(time) => time.to_string(),
        Err(_) => seconds.to_string(),
    }
}

fn times<T: Into<i64> + Copy>(both: &Both<T>) -> String {
    format!("{} and {}", time(both.a.into()), time(both.b.into()))
}

fn quoted(both: &Both<String>) -> String {
    format!("`{}` and `{}`", both.a, both.b)
}

fn or_none(value: Option<&String>) -> &str {
    value.map_or("none", String::as_str)
}

/// Writes lines at a depth.
struct Lines<'a, 'f> {
    out: &'a mut Formatter<'f>,
    indent: String,
}

impl Lines<'_, '_> {
    fn put(&mut self, line: &str) -> fmt::Result {
        writeln!(self.out, "{}{line}", self.indent)
    }

    /// Writes what belongs to the line before.
    fn inside(&mut self, write: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        self.indent.push_str(STEP);
        let done = write(self);
        self.indent.truncate(self.indent.len() - STEP.len());
        done
    }

    fn detail(&mut self, detail: &Detail) -> fmt::Result {
        match detail {
            Detail::Only { .. } => Ok(()),
            Detail::Opaque { run } => self.put(&format!("opaque in {run} only")),
            Detail::Type { names } => self.put(&format!("type: {} and {}", names.a, names.b)),
            Detail::Mode { octal } => self.put(&format!("mode: {} and {}", octal.a, octal.b)),
            Detail::Owner { uid, gid } => self.put(&format!("owner: {}:{} and {}:{}", uid.a, gid.a, uid.b, gid.b)),
            Detail::Xattrs { differ, left_out } => {
                for xattr in differ {
                    let (a, b) = (or_none(xattr.value.a.as_ref()), or_none(xattr.value.b.as_ref()));
                    self.put(&format!("attribute {}: `{a}` and `{b}`", xattr.name))?;
                }
                self.more(*left_out, "attribute")
            }
            Detail::Time { seconds } => self.put(&format!("time: {}", times(seconds))),
            Detail::Target { text } => self.put(&format!("link target: {}", quoted(text))),
            Detail::Device { number } => self.put(&format!("device: {} and {}", number.a, number.b)),
            Detail::Links { first } => {
                let name =
                    |first: &Option<String>| first.as_ref().map_or("alone".to_owned(), |first| format!("`{first}`"));
                self.put(&format!("one file with: {} and {}", name(&first.a), name(&first.b)))
            }
            Detail::Content { insight, .. } => self.insight(insight),
        }
    }

    fn more(&mut self, number: usize, thing: &str) -> fmt::Result {
        if number > 0 {
            self.put(&format!("... and {number} more {thing}{}", if number == 1 { "" } else { "s" }))
        } else {
            Ok(())
        }
    }

    fn insight(&mut self, insight: &Insight) -> fmt::Result {
        match insight {
            Insight::Text(Text { lines, left_out }) => {
                lines.iter().try_for_each(|line| self.put(line))?;
                self.more(*left_out, "line")
            }
            Insight::Compressed(compressed) => self.compressed(compressed),
            Insight::Archive(archive) => self.archive(archive),
            Insight::Pyc(pyc) => self.pyc(pyc),
            Insight::Elf(elf) => self.elf(elf),
            Insight::Sqlite(sqlite) => self.sqlite(sqlite),
            Insight::Bytes(bytes) => self.bytes("", bytes),
            Insight::Unreadable { reason } => self.put(&format!("not looked into: {reason}")),
        }
    }

    fn bytes(&mut self, of: &str, bytes: &Bytes) -> fmt::Result {
        self.put(&format!("{of}first difference at byte {}", bytes.offset))?;
        bytes.rows.a.iter().try_for_each(|row| self.put(&format!("-{row}")))?;
        bytes.rows.b.iter().try_for_each(|row| self.put(&format!("+{row}")))
    }

    fn compressed(&mut self, compressed: &Compressed) -> fmt::Result {
        let Compressed { codec, time, name, inside } = compressed;
        self.put(codec)?;
        self.inside(|lines| {
            if let Some(time) = time {
                lines.put(&format!("time in the header: {}", times(time)))?;
            }
            if let Some(name) = name {
                lines.put(&format!("name in the header: {}", quoted(name)))?;
            }
            match inside {
                Some(inside) => lines.insight(inside),
                None if time.is_none() && name.is_none() => lines.put("the same inside, compressed in another way"),
                None => Ok(()),
            }
        })
    }

    fn archive(&mut self, archive: &Archive) -> fmt::Result {
        self.put(archive.archive)?;
        self.inside(|lines| {
            lines.names(Run::First, &archive.only.a)?;
            lines.names(Run::Second, &archive.only.b)?;
            if archive.order {
                lines.put("members in another order")?;
            }
            lines.differing("time", archive.time.as_ref(), times)?;
            let plain = |both: &Both<String>| format!("{} and {}", both.a, both.b);
            lines.differing("owner", archive.owner.as_ref(), plain)?;
            lines.differing("mode", archive.mode.as_ref(), plain)?;
            lines.differing("type or target", archive.target.as_ref(), quoted)?;
            for member in &archive.members {
                lines.put(&format!("member `{}`", member.name))?;
                lines.inside(|lines| lines.insight(&member.insight))?;
            }
            lines.more(archive.members_left_out, "member")?;
            if archive.cut { lines.put("not all of the archive could be looked at") } else { Ok(()) }
        })
    }

    fn names(&mut self, run: Run, names: &Names) -> fmt::Result {
        names.first.iter().try_for_each(|name| self.put(&format!("only in {run}: `{name}`")))?;
        self.more(names.others, "name")
    }

    fn differing<T>(
        &mut self,
        what: &str,
        differing: Option<&Differing<T>>,
        show: impl Fn(&Both<T>) -> String,
    ) -> fmt::Result {
        let Some(Differing { name, value, others }) = differing else { return Ok(()) };
        let others = if *others > 0 { format!(", and of {}", count(*others, "other")) } else { String::new() };
        self.put(&format!("{what} of `{name}`: {}{others}", show(value)))
    }

    fn pyc(&mut self, pyc: &Pyc) -> fmt::Result {
        self.put("compiled Python")?;
        self.inside(|lines| {
            if let Some(time) = &pyc.source_time {
                lines.put(&format!("time of the source: {}", times(time)))?;
            }
            if pyc.source {
                lines.put("the sources differ")?;
            }
            pyc.code.as_ref().map_or(Ok(()), |code| lines.bytes("code: ", code))
        })
    }

    fn elf(&mut self, elf: &Elf) -> fmt::Result {
        self.put("ELF")?;
        self.inside(|lines| {
            if let Some(Both { a, b }) = &elf.build_id {
                lines.put(&format!("build ID: {} and {}", or_none(a.as_ref()), or_none(b.as_ref())))?;
            }
            elf.sections.iter().try_for_each(|section| lines.section(section))?;
            lines.more(elf.sections_left_out, "section")
        })
    }

    fn section(&mut self, section: &Section) -> fmt::Result {
        let name = &section.name;
        let sizes = match section.size_bytes {
            Both { a: Some(a), b: Some(b) } if a == b => format!("{a} bytes"),
            Both { a: Some(a), b: Some(b) } => format!("{a} and {b} bytes"),
            Both { a: Some(_), .. } => "only in the first run".to_owned(),
            Both { .. } => "only in the second run".to_owned(),
        };
        self.put(&format!("section `{name}`: {sizes}"))?;
        self.inside(|lines| section.first.as_ref().map_or(Ok(()), |first| lines.bytes("", first)))
    }

    fn sqlite(&mut self, sqlite: &Sqlite) -> fmt::Result {
        self.put("SQLite database")?;
        self.inside(|lines| {
            if let Some(Both { a, b }) = &sqlite.change_counter {
                lines.put(&format!("change counter: {a} and {b}"))?;
            }
            if let Some(Both { a, b }) = &sqlite.version {
                lines.put(&format!("written by SQLite {a} and {b}"))?;
            }
            let Both { a, b } = sqlite.page_bytes;
            if a != b {
                lines.put(&format!("pages of {a} and {b} bytes"))?;
            }
            if !sqlite.pages.is_empty() {
                let pages: Vec<String> = sqlite.pages.iter().map(u32::to_string).collect();
                let more = if sqlite.pages_left_out > 0 {
                    format!(" and {} more", sqlite.pages_left_out)
                } else {
                    String::new()
                };
                lines.put(&format!("pages: {}{more}", pages.join(", ")))?;
            }
            sqlite.first.as_ref().map_or(Ok(()), |first| lines.bytes("", first))
        })
    }
}
