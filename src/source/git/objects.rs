//! The objects of a repository, through one `git cat-file --batch`, each hashed again.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, Stdio};

use super::child::{said, start};
use super::error::GitError;
use super::fetch::Repository;
use super::id::{IdHasher, ObjectId};
use super::object::ObjectFlaw;
use super::patient::Patient;
use super::program::{Asker, git_in};
use super::request::Terms;

/// A `git cat-file` that waits for ids.
pub(super) struct Objects<'a> {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<Patient<'a>>,
    messages: ChildStderr,
    terms: &'a Terms<'a>,
}

/// A blob as it comes. Reading it to its end fails if it is not what its id says.
pub(super) struct Blob<'o, 'a> {
    objects: &'o mut Objects<'a>,
    id: ObjectId,
    left: u64,
    /// Taken when the end was reached.
    hasher: Option<IdHasher>,
    /// What went wrong, where `io::Error` cannot say it.
    failure: Option<GitError>,
}

impl<'a> Objects<'a> {
    pub(super) fn open(repository: &Repository, terms: &'a Terms<'a>) -> Result<Self, GitError> {
        let mut command = git_in(repository.path(), terms, Asker::Template);
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped());
        let mut child = start(&mut command)?;
        /// What a pipe holds.
        const BUFFER_BYTES: usize = 64 << 10;
        match (child.stdin.take(), child.stdout.take(), child.stderr.take()) {
            (Some(requests), Some(answers), Some(messages)) => {
                let answers = BufReader::with_capacity(BUFFER_BYTES, Patient::new(answers, terms));
                Ok(Self { child, requests, answers, messages, terms })
            }
            _ => Err(GitError::Git { doing: "read objects", said: "it has no pipes".to_owned() }),
        }
    }

    /// Ends git: it goes when nobody asks or listens any more.
    pub(super) fn close(self) {
        let Self { mut child, requests, answers, messages, .. } = self;
        drop((requests, answers, messages));
        super::child::kill(&child);
        // How it ended says nothing: everything that it gave was checked.
        let _ = child.wait();
    }

    /// The whole object `id`, which must be of the kind `expected` and not larger than `most_bytes`.
    pub(super) fn whole(
        &mut self,
        id: &ObjectId,
        expected: &'static str,
        most_bytes: u64,
    ) -> Result<Vec<u8>, GitError> {
        let size_bytes = self.ask(id, expected)?;
        if size_bytes > most_bytes {
            return Err(GitError::Object { id: *id, source: ObjectFlaw::TooLarge { size_bytes, most_bytes } });
        }
        let mut object = self.answer(id, expected, size_bytes);
        let mut bytes = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or_default());
        let read = object.read_to_end(&mut bytes);
        object.settle(read.map(drop))?;
        Ok(bytes)
    }

    /// The blob `id`, with its size. It has to be read to its end.
    pub(super) fn blob(&mut self, id: &ObjectId) -> Result<(u64, Blob<'_, 'a>), GitError> {
        let size_bytes = self.ask(id, "blob")?;
        Ok((size_bytes, self.answer(id, "blob", size_bytes)))
    }

    fn answer(&mut self, id: &ObjectId, kind: &str, size_bytes: u64) -> Blob<'_, 'a> {
        let hasher = Some(IdHasher::new(id.format(), kind, size_bytes));
        Blob { objects: self, id: *id, left: size_bytes, hasher, failure: None }
    }

    /// Asks for an object; gives its size in bytes.
    fn ask(&mut self, id: &ObjectId, expected: &'static str) -> Result<u64, GitError> {
        /// An id, a kind and a number.
        const LINE_MAX_BYTES: u64 = 128;
        self.terms.check()?;
        if writeln!(self.requests, "{id}").is_err() {
            return Err(self.gone());
        }
        let mut line = Vec::new();
        let read = (&mut self.answers).take(LINE_MAX_BYTES).read_until(b'\n', &mut line);
        if !matches!(read, Ok(length) if length > 0) {
            return Err(self.gone());
        }
        // What is no text is no answer either; git still waits, so it has not gone.
        let line = String::from_utf8_lossy(&line);
        let words: Vec<&str> = line.split_whitespace().collect();
        let flaw = match words[..] {
            [found, kind, size] if found == id.to_string() && kind == expected => match size.parse() {
                Ok(size_bytes) => return Ok(size_bytes),
                Err(_) => ObjectFlaw::Form("its size is not a number"),
            },
            [_, "missing"] => ObjectFlaw::Missing,
            [found, _, _] if found != id.to_string() => ObjectFlaw::Form("git's answer is about another object"),
            [_, kind, _] if expected == "commit" && kind != "commit" => {
                return Err(GitError::NotACommit { id: *id, found: kind.to_owned() });
            }
            [_, kind, _] => ObjectFlaw::Kind { expected, found: kind.to_owned() },
            _ => ObjectFlaw::Form("git's answer about it is none"),
        };
        Err(GitError::Object { id: *id, source: flaw })
    }

    /// Why there is no answer: git was given up, or it ended.
    fn gone(&mut self) -> GitError {
        if let Some(failure) = self.answers.get_mut().failure() {
            return failure;
        }
        // One that only closed its pipe would keep us waiting for the end of its messages.
        super::child::kill(&self.child);
        /// The rest is not shown.
        const MESSAGES_MAX_BYTES: u64 = 8 << 10;
        let mut messages = Vec::new();
        let _ = (&mut self.messages).take(MESSAGES_MAX_BYTES).read_to_end(&mut messages);
        GitError::Git { doing: "read what it fetched", said: said(&messages, "") }
    }
}

impl Blob<'_, '_> {
    /// The result of reading it, with what went wrong here if something did.
    pub(super) fn settle(self, read: io::Result<()>) -> Result<(), GitError> {
        match (self.failure, read) {
            (Some(failure), _) => Err(failure),
            (None, Err(_)) => Err(self.objects.gone()),
            (None, Ok(())) => Ok(()),
        }
    }

    /// What went wrong while it was read, if it was not the reader's fault.
    pub(super) fn failure(self) -> Option<GitError> {
        self.failure
    }

    fn fail(&mut self, failure: GitError) -> io::Error {
        self.failure = Some(failure);
        io::Error::other("the git object could not be read")
    }

    /// After the last byte: the line end that follows it, and the hash.
    fn end(&mut self, hasher: IdHasher) -> io::Result<()> {
        let mut line_end = [0];
        if self.objects.answers.read_exact(&mut line_end).is_err() {
            let gone = self.objects.gone();
            return Err(self.fail(gone));
        }
        if hasher.finish() != Some(self.id) || line_end != *b"\n" {
            let id = self.id;
            return Err(self.fail(GitError::Object { id, source: ObjectFlaw::Hash }));
        }
        Ok(())
    }
}

impl Read for Blob<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::Error::other("the git object could not be read"));
        }
        if let Err(interrupted) = self.objects.terms.check() {
            return Err(self.fail(interrupted));
        }
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        // Nothing more to come must not be waited for: a buffered reader fills itself even for an empty read.
        let length = if room == 0 { 0 } else { self.objects.answers.read(&mut buffer[..room]).unwrap_or_default() };
        if length == 0 && room > 0 {
            let gone = self.objects.gone();
            return Err(self.fail(gone));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..length]);
        }
        self.left -= length as u64;
        if self.left == 0
            && let Some(hasher) = self.hasher.take()
        {
            self.end(hasher)?;
        }
        Ok(length)
    }
}
