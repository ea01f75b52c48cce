//! Bodies that are read while they are sent.

use std::io::{self, Read};

use super::*;
use crate::transport::{Method, Outgoing, TransportError};

fn put(registry: &Registry, length_bytes: u64, reader: &mut dyn Read, sent: &mut u64) -> Result<u16, TransportError> {
    let url = Url::parse(&registry.url("/v2/a/b/blobs/uploads/none")).expect("an address");
    let mut count = |bytes| *sent += bytes;
    let outgoing = Outgoing { length_bytes, reader, sent: &mut count };
    client(settings()).send_body(&Request::new(Method::Put, url), outgoing).map(|answer| answer.status)
}

#[test]
fn a_body_has_the_length_that_was_said() {
    let registry = Registry::start();
    for length in [0_u64, 1, 1_000_000] {
        registry.reset();
        let mut sent = 0;
        // What is behind the end is not asked for.
        let mut reader = io::repeat(7);
        // No such upload: any answer is an answer.
        assert_eq!(put(&registry, length, &mut reader, &mut sent).expect("an answer"), 404);
        let call = registry.calls().pop().expect("a request");
        assert_eq!((call.length, sent), (length, length));
        assert_eq!(call.header("content-length"), Some(length.to_string().as_str()));
        assert_eq!(call.header("transfer-encoding"), None);
    }
}

#[test]
fn a_source_that_fails_is_told_as_that() {
    struct Failing(usize);
    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            match self.0 {
                0 => Err(io::Error::other("the disk is gone")),
                left => {
                    let found = left.min(buffer.len());
                    self.0 -= found;
                    Ok(found)
                }
            }
        }
    }
    let registry = Registry::start();
    let error = put(&registry, 1_000_000, &mut Failing(300_000), &mut 0).expect_err("it fails");
    assert!(
        matches!(&error, TransportError::Source { source, .. } if source.to_string() == "the disk is gone"),
        "{error:?}"
    );
    assert!(!error.is_passing() && error.hint().is_none());
    let error = put(&registry, 1_000_000, &mut io::empty(), &mut 0).expect_err("too short");
    assert!(
        matches!(&error, TransportError::Source { source, .. } if source.kind() == io::ErrorKind::UnexpectedEof),
        "{error:?}"
    );
}
