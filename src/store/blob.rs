//! Blobs: written beside, synced, linked under the name that is their digest.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tempfile::NamedTempFile;

use crate::base::Hasher;

use super::Store;
use super::error::StoreError;

/// Size of the pieces that blobs are read in.
const PIECE_BYTES: usize = 1 << 20;

/// A blob that is being written. Dropped without [`BlobWriter::commit`] it leaves nothing behind.
pub struct BlobWriter<'a> {
    store: &'a Store,
    file: NamedTempFile,
}

impl BlobWriter<'_> {
    /// Forgets what was written.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.as_file().set_len(0)?;
        self.file.rewind()
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BlobWriter<'_> {
    /// Makes the blob visible as `digest` (`sha256:..`), which the writer knows to be its bytes' digest. Afterwards it is
    /// on the disk. A blob that is there already stays.
    pub fn commit(self, digest: &str) -> Result<(), StoreError> {
        let path = self.store.blob_path(digest)?;
        let fail = |source| self.store.write_error(source);
        let file = self.file.as_file();
        let size_bytes = file.metadata().map_err(fail)?.len();
        if fs::metadata(&path).is_ok_and(|there| there.len() == size_bytes) {
            return Ok(());
        }
        file.set_permissions(Permissions::from_mode(0o444)).map_err(fail)?;
        file.sync_all().map_err(fail)?;
        let directory = path.parent().unwrap_or(self.store.root());
        fs::create_dir_all(directory).map_err(fail)?;
        // What is there with another size is no blob of this name: it is replaced.
        self.file.persist(&path).map_err(|error| self.store.write_error(error.error))?;
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(fail)?;
        self.store.written().insert(digest.to_owned());
        Ok(())
    }
}

impl Store {
    fn blob_path(&self, digest: &str) -> Result<PathBuf, StoreError> {
        match digest.strip_prefix("sha256:") {
            Some(hex) if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(self.root().join("blobs/sha256").join(&hex[..2]).join(&hex[2..]))
            }
            _ => Err(StoreError::Missing { digest: digest.to_owned() }),
        }
    }

    /// A new blob.
    pub fn writer(&self) -> Result<BlobWriter<'_>, StoreError> {
        Ok(BlobWriter { store: self, file: self.temporary()? })
    }

    /// Keeps a small blob, which counts as a use.
    pub fn put_bytes(&self, digest: &str, bytes: &[u8]) -> Result<(), StoreError> {
        if self.has_blob(digest, bytes.len() as u64) {
            self.mark_used(digest);
            return Ok(());
        }
        let mut writer = self.writer()?;
        writer.write_all(bytes).map_err(|source| self.write_error(source))?;
        writer.commit(digest)
    }

    /// Whether the blob is there with this size. Its bytes are not read.
    pub fn has_blob(&self, digest: &str, size_bytes: u64) -> bool {
        let there = |path: PathBuf| fs::metadata(path).is_ok_and(|there| there.len() == size_bytes);
        self.blob_path(digest).is_ok_and(there)
    }

    /// Whether the blob is there, of whatever size.
    pub(super) fn is_there(&self, digest: &str) -> bool {
        self.blob_path(digest).is_ok_and(|path| path.exists())
    }

    /// Opens a blob, and notes that it was used.
    pub fn open_blob(&self, digest: &str) -> Result<File, StoreError> {
        let file = self.open_unmarked(digest)?;
        // Removal by last use is a courtesy; a blob of another user's cannot be touched.
        let _ = file.set_modified(SystemTime::now());
        Ok(file)
    }

    /// Notes that a blob was used: a build that finds its layers made does not open them.
    pub fn mark_used(&self, digest: &str) {
        drop(self.open_blob(digest));
    }

    /// Opens a blob without a note. Looking after the store is no use: it would make all blobs look alike to gc.
    fn open_unmarked(&self, digest: &str) -> Result<File, StoreError> {
        File::open(self.blob_path(digest)?).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => StoreError::Missing { digest: digest.to_owned() },
            _ => StoreError::Read { digest: digest.to_owned(), source },
        })
    }

    /// The bytes of a small blob, verified; a use.
    pub fn read_blob(&self, digest: &str) -> Result<Vec<u8>, StoreError> {
        let bytes = self.read_unmarked(digest)?;
        self.mark_used(digest);
        Ok(bytes)
    }

    /// The bytes of a small blob, verified; no use.
    pub(super) fn read_unmarked(&self, digest: &str) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let read = self.open_unmarked(digest)?.read_to_end(&mut bytes);
        read.map_err(|source| StoreError::Read { digest: digest.to_owned(), source })?;
        self.compare(digest, crate::base::hash::digest_of::<crate::base::ContentDigest>(&bytes).to_string())?;
        Ok(bytes)
    }

    /// Reads all of a blob and compares, which is no use; one that is damaged is set aside, so that the next build makes it
    /// anew.
    pub fn verify_blob(&self, digest: &str) -> Result<(), StoreError> {
        let mut file = self.open_unmarked(digest)?;
        let mut hasher = Hasher::new();
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => hasher.update(&piece[..n]),
                Err(source) => return Err(StoreError::Read { digest: digest.to_owned(), source }),
            }
        }
        self.compare(digest, hasher.finish::<crate::base::ContentDigest>().to_string())
    }

    /// Verifies a blob unless this process wrote it, which was to digest it.
    pub fn verify_old_blob(&self, digest: &str) -> Result<(), StoreError> {
        if self.written().contains(digest) { Ok(()) } else { self.verify_blob(digest) }
    }

    fn compare(&self, digest: &str, found: String) -> Result<(), StoreError> {
        if found == digest {
            return Ok(());
        }
        self.set_aside(digest)?;
        Err(StoreError::Damaged { digest: digest.to_owned() })
    }

    /// Takes a damaged blob out of its place and keeps it for whoever wants to know what happened to it.
    pub fn set_aside(&self, digest: &str) -> Result<(), StoreError> {
        let path = self.blob_path(digest)?;
        let aside = self.root().join("aside").join(digest.trim_start_matches("sha256:"));
        fs::rename(path, aside).map_err(|source| self.write_error(source))
    }

    /// Removes a blob that nothing needs.
    pub(super) fn remove_blob(&self, digest: &str) -> Result<(), StoreError> {
        fs::remove_file(self.blob_path(digest)?).map_err(|source| self.write_error(source))
    }

    /// Makes the blob appear at `to`, which must not exist: cloned, linked or copied, whichever the file systems can. It is
    /// verified first, so that a damaged one does not leave the store.
    pub fn place_blob(&self, digest: &str, to: &Path) -> Result<(), StoreError> {
        self.verify_old_blob(digest)?;
        let from = self.open_blob(digest)?;
        let write = |source| StoreError::Write { store: to.to_owned(), source };
        let path = self.blob_path(digest)?;
        let cloned = File::create_new(to).map_err(write)?;
        if rustix::fs::ioctl_ficlone(&cloned, &from).is_ok() {
            return Ok(());
        }
        drop(cloned);
        fs::remove_file(to).map_err(write)?;
        if fs::hard_link(&path, to).is_ok() {
            return Ok(());
        }
        fs::copy(&path, to).map_err(write).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{ContentDigest, hash::digest_of};

    fn digest(bytes: &[u8]) -> String {
        digest_of::<ContentDigest>(bytes).to_string()
    }

    #[test]
    fn a_blob_that_is_not_committed_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let mut writer = store.writer().expect("a writer");
        writer.write_all(b"half").expect("written");
        drop(writer);
        assert_eq!(fs::read_dir(store.tmp()).expect("tmp").count(), 0);
        assert!(!store.has_blob(&digest(b"half"), 4));
    }

    #[test]
    fn many_can_commit_the_same_blob() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| store.put_bytes(&digest(b"same"), b"same").expect("kept"));
            }
        });
        assert_eq!(store.read_blob(&digest(b"same")).expect("there"), b"same");
    }

    #[test]
    fn a_damaged_blob_is_found_and_set_aside() {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let name = digest(b"good");
        store.put_bytes(&name, b"good").expect("kept");
        let path = store.blob_path(&name).expect("a path");
        fs::set_permissions(&path, Permissions::from_mode(0o644))
            .and_then(|()| fs::write(&path, b"evil"))
            .expect("damaged");
        store.verify_old_blob(&name).expect("this process wrote it");
        assert!(matches!(store.verify_blob(&name), Err(StoreError::Damaged { .. })));
        assert!(matches!(store.open_blob(&name), Err(StoreError::Missing { .. })));
        store.put_bytes(&name, b"good").expect("made anew");
        store.verify_blob(&name).expect("good again");
    }

    #[test]
    fn a_store_of_another_format_is_left_alone() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("format"), "kiln store 2\n").expect("written");
        assert!(matches!(Store::open(directory.path()), Err(StoreError::Format { .. })));
        assert!(matches!(Store::open(Path::new("/dev/null/x")), Err(StoreError::Open { .. })));
    }
}
