//! Paragraphs of fields (deb822(5)): indexes, dpkg's database, Release files, a package's own control file.

use deb822_fast::borrowed::{BorrowedParagraph, BorrowedParser};

use super::error::IndexError;

/// One paragraph. Its texts are those of the file.
#[derive(Debug)]
pub struct Paragraph<'a>(BorrowedParagraph<'a>);

impl<'a> Paragraph<'a> {
    /// The fields in their order: name, and the lines of the value.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &[&'a str])> {
        self.0.iter().map(|field| (field.name(), field.lines()))
    }

    /// The value of a field, one line after the other; no lines if there is no such field.
    pub fn lines(&self, name: &str) -> &[&'a str] {
        self.0.get(name).unwrap_or_default()
    }

    /// The value of a field that has one line.
    pub fn line(&self, name: &str) -> Option<&'a str> {
        self.0.get_single(name).map(str::trim)
    }

    /// Fails if a field is there twice: readers differ on which of them counts.
    pub fn check_once(&self) -> Result<(), IndexError> {
        let mut names: Vec<String> = self.0.iter().map(|field| field.name().to_ascii_lowercase()).collect();
        names.sort_unstable();
        let twice = names.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[String]>::first);
        twice.map_or(Ok(()), |name| Err(IndexError::Twice { field: name.clone() }))
    }
}

/// Reads one paragraph after the other, so that an index of many megabytes is never held as fields.
#[derive(Debug)]
pub struct Paragraphs<'a> {
    rest: &'a str,
    ready: std::vec::IntoIter<BorrowedParagraph<'a>>,
}

impl<'a> Paragraphs<'a> {
    /// The paragraphs of a file.
    pub fn new(bytes: &'a [u8]) -> Result<Self, IndexError> {
        let rest = std::str::from_utf8(bytes).map_err(|error| IndexError::NotText { offset: error.valid_up_to() })?;
        Ok(Self { rest, ready: Vec::new().into_iter() })
    }

    /// The first paragraph of a file that should have exactly one.
    pub fn only(bytes: &'a [u8]) -> Result<Paragraph<'a>, IndexError> {
        let mut paragraphs = Self::new(bytes)?;
        let first = paragraphs.next().unwrap_or(Err(IndexError::Count { found: 0 }))?;
        match paragraphs.count() {
            0 => {}
            more => return Err(IndexError::Count { found: more + 1 }),
        }
        first.check_once()?;
        Ok(first)
    }
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Result<Paragraph<'a>, IndexError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(paragraph) = self.ready.next() {
                return Some(Ok(Paragraph(paragraph)));
            }
            if self.rest.is_empty() {
                return None;
            }
            let (chunk, rest) = self.rest.split_once("\n\n").unwrap_or((self.rest, ""));
            self.rest = rest;
            match BorrowedParser::new(chunk).parse_all() {
                Ok(paragraphs) => self.ready = paragraphs.into_iter(),
                Err(error) => {
                    self.rest = "";
                    return Some(Err(IndexError::Syntax { reason: error.to_string() }));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_end_at_empty_lines() {
        let text = "\n\nA: 1\nB: x\n y\n .\n z\n\n\n# a comment\nA:  2 \n\nA: 3";
        let found: Vec<_> = Paragraphs::new(text.as_bytes())
            .expect("text")
            .map(|paragraph| {
                let paragraph = paragraph.expect("a paragraph");
                (paragraph.line("a").map(str::to_owned), paragraph.lines("B").join("|"))
            })
            .collect();
        let one = |value: &str, lines: &str| (Some(value.to_owned()), lines.to_owned());
        assert_eq!(found, [one("1", "x|y|.|z"), one("2", ""), one("3", "")]);
    }

    #[test]
    fn what_is_no_paragraph_is_refused() {
        let only = |text: &[u8]| Paragraphs::only(text).map(drop);
        assert!(matches!(only(b"\xff"), Err(IndexError::NotText { offset: 0 })));
        assert!(matches!(only(b"hello\n"), Err(IndexError::Syntax { .. })));
        assert!(matches!(only(b" hello\n"), Err(IndexError::Syntax { .. })));
        assert!(matches!(only(b"\n"), Err(IndexError::Count { found: 0 })));
        assert!(matches!(only(b"A: 1\n\nA: 2\n\nA: 3\n"), Err(IndexError::Count { found: 3 })));
        assert!(matches!(only(b"A: 1\nb: 2\na: 3\n"), Err(IndexError::Twice { field }) if field == "a"));
        assert!(only(b"A: 1\nB: 2\n").is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_end_in_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(paragraphs) = Paragraphs::new(&bytes) {
                paragraphs.for_each(drop);
            }
        }

        #[test]
        fn any_lines_end_in_an_answer(lines in prop::collection::vec("[A:# \t\r.\u{e9}-]{0,4}", 0..12)) {
            Paragraphs::new(lines.join("\n").as_bytes()).expect("text").for_each(drop);
        }
    }
}
