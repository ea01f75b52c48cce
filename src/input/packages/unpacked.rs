//! What the file of a package becomes. Its contents become one blob of the store, and a note says what else there is: a
//! package is unpacked once.

use std::collections::BTreeMap;
use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use crate::base::{ContentDigest, Hasher, ImagePath};
use crate::input::{InputError, Spool};
use crate::packages::PackagePin;
use crate::packages::debian::deb::{self, Control, ControlFile};
use crate::packages::debian::{Deb, DebError};
use crate::store::spool::Spooler;
use crate::store::{Shelf, Store, StoreError};
use crate::tree::dump;

use super::bring::shown;
use super::{PackagesError, Unpacked};

/// What the store remembers of a package.
#[derive(Serialize, Deserialize)]
struct PackageNote {
    control: Vec<ControlNote>,
    /// The files as a dump.
    files: String,
    /// The blob with the contents.
    blob: String,
    blob_bytes: u64,
    places: Vec<(ContentDigest, u64)>,
}

/// A control file. Scripts may be programs, so that it need not be text.
#[derive(Serialize, Deserialize)]
struct ControlNote {
    name: String,
    mode: u16,
    /// Each byte as the character of its number.
    content: String,
}

/// What the note of a package leads to, if it is whole.
pub(super) fn recall(pin: &PackagePin, store: &Store) -> Option<Unpacked> {
    let digest = pin.sha256.to_string();
    let note: PackageNote = store.note(Shelf::Packages, &pin.sha256.hex())?;
    // Who vendors wants the file as well.
    if !store.has_blob(&note.blob, note.blob_bytes) || !store.has_blob(&digest, pin.size) {
        return None;
    }
    let control: Option<BTreeMap<String, ControlFile>> = note.control.into_iter().map(ControlNote::read).collect();
    let deb = Deb { control: Control::new(control?).ok()?, files: dump::parse(&note.files).ok()? };
    check(pin, &deb).ok()?;
    let file = store.open_blob(&note.blob).ok()?;
    // Whoever cleans up keeps what was used.
    store.mark_used(&digest);
    let spool = Spool::of_blob(file, note.places.into_iter().collect(), note.blob);
    Some(Unpacked { pin: pin.clone(), deb, spool })
}

/// Unpacks a package whose file is in the store.
pub(super) fn unpack(pin: &PackagePin, store: &Store) -> Result<Unpacked, InputError> {
    /// Reads of a compressed stream are small.
    const BUFFER_BYTES: usize = 1 << 18;
    let digest = pin.sha256.to_string();
    let full = |source| InputError::Store(store.write_failed(source));
    let mut reader = Digested { inner: store.open_blob(&digest)?, hasher: Hasher::new() };
    let mut buffered = io::BufReader::with_capacity(BUFFER_BYTES, &mut reader);
    let mut spooler = Spooler::new(io::BufWriter::with_capacity(BUFFER_BYTES, store.writer()?));
    let mut sink = |_: &ImagePath, _: u64, file: &mut dyn Read| spooler.put(file).map(drop);
    let read = deb::read(&mut buffered, &mut sink);
    io::copy(&mut reader, &mut io::sink()).map_err(|source| StoreError::Read { digest: digest.clone(), source })?;
    if reader.hasher.finish::<ContentDigest>() != pin.sha256 {
        store.set_aside(&digest)?;
        return Err(StoreError::Damaged { digest }.into());
    }
    let deb = read.map_err(|source| unreadable(pin, source))?;
    check(pin, &deb)?;
    let (writer, places, blob_bytes, contents) = spooler.finish();
    let writer = writer.into_inner().map_err(|error| full(error.into_error()))?;
    let blob = contents.to_string();
    writer.commit(&blob)?;
    let note = PackageNote {
        control: deb.control.files.iter().map(ControlNote::of).collect(),
        files: dump::write(&deb.files),
        blob: blob.clone(),
        blob_bytes,
        places: places.iter().map(|(digest, start)| (*digest, *start)).collect(),
    };
    store.keep_note(Shelf::Packages, &pin.sha256.hex(), &note)?;
    let spool = Spool::of_written_blob(store.open_blob(&blob)?, places, blob);
    Ok(Unpacked { pin: pin.clone(), deb, spool })
}

fn unreadable(pin: &PackagePin, source: DebError) -> PackagesError {
    PackagesError::Deb { package: shown(pin), source: Box::new(source) }
}

/// An index may name one package and lead to another.
fn check(pin: &PackagePin, deb: &Deb) -> Result<(), PackagesError> {
    let package = &deb.control.package;
    let is_it =
        package.name() == pin.name && package.is_of_version(&pin.version) && package.architecture() == pin.architecture;
    let found = || format!("{} {} ({})", package.name(), package.version(), package.architecture());
    if is_it { Ok(()) } else { Err(PackagesError::OtherPackage { expected: shown(pin), found: found() }) }
}

impl ControlNote {
    fn of((name, file): (&String, &ControlFile)) -> Self {
        let content = file.content.iter().map(|byte| char::from(*byte)).collect();
        Self { name: name.clone(), mode: file.mode, content }
    }

    fn read(self) -> Option<(String, ControlFile)> {
        let content: Option<Vec<u8>> = self.content.chars().map(|letter| u8::try_from(letter).ok()).collect();
        Some((self.name, ControlFile { content: content?, mode: self.mode }))
    }
}

/// A reader that digests what is read from it.
struct Digested<R> {
    inner: R,
    hasher: Hasher,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..found).unwrap_or_default());
        Ok(found)
    }
}
