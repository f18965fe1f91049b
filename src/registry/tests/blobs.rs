//! Blobs on their way from a registry: broken off, gone on with, and never what they
//! are not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::*;
use crate::domain::reference::Digest;
use crate::registry::fault_server::Fault;
use crate::registry::{Failure, Job, Opener, Progress, Sink, Supply, Target};

/// Larger than what a connection holds at once.
pub(super) fn blob() -> Vec<u8> {
    (0..200_000_u32).flat_map(u32::to_le_bytes).collect()
}

pub(super) fn sha256(bytes: &[u8]) -> Digest {
    digest_of(bytes, DigestAlgorithm::Sha256)
}

pub(super) fn place(server: &FaultServer) -> Reference {
    reference(server, "a")
}

/// Where a blob is kept in memory; whole once it is finished.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    is_whole: bool,
}

struct Memory(Arc<Mutex<Kept>>, Digest);

impl Sink for Memory {
    fn offset(&self) -> u64 {
        self.0.lock().expect("nobody panicked").bytes.len() as u64
    }

    fn write(&mut self, bytes: &[u8]) -> std::result::Result<(), Failure> {
        let mut kept = self.0.lock().expect("nobody panicked");
        kept.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> std::result::Result<(), Failure> {
        let mut kept = self.0.lock().expect("nobody panicked");
        if sha256(&kept.bytes) != self.1 {
            kept.bytes.clear();
            return Err(Failure::local(std::io::Error::other("another digest")));
        }
        kept.is_whole = true;
        Ok(())
    }
}

pub(super) fn told(failure: Failure) -> String {
    match failure {
        Failure::Registry(error) => super::told(&error),
        Failure::Local(error) => error.to_string(),
        Failure::Interrupted => "interrupted".to_owned(),
    }
}

/// Gets the blob of that digest and size, what is `kept` of it being there, and
/// returns what it then has.
fn get_kept(
    server: &FaultServer,
    (digest, size): (Digest, u64),
    kept: Kept,
) -> std::result::Result<Kept, String> {
    let kept = Arc::new(Mutex::new(kept));
    let (there, name) = (Arc::clone(&kept), digest.clone());
    let opener: Opener = Arc::new(move || {
        let sink = Memory(Arc::clone(&there), name.clone());
        Ok(Some(Box::new(sink) as Box<dyn Sink>))
    });
    let job = Job {
        source: Supply::Registry(place(server)),
        target: Target::Local(opener),
        progress: Progress::new(digest, size),
    };
    let done = anybody(server).transfer(vec![job], &mut || true);
    done.map_err(told)?;
    let mut kept = kept.lock().expect("nobody panicked");
    Ok(std::mem::take(&mut *kept))
}

fn get(server: &FaultServer) -> std::result::Result<Vec<u8>, String> {
    let whole = blob();
    let named = (sha256(&whole), whole.len() as u64);
    let kept = get_kept(server, named, Kept::default())?;
    assert!(kept.is_whole);
    Ok(kept.bytes)
}

/// Returns why the blob cannot be had; it is too long to be shown.
fn refused(server: &FaultServer) -> String {
    match get(server) {
        Ok(_) => panic!("it was taken"),
        Err(told) => told,
    }
}

/// Returns where a `Range` begins.
fn from_of(seen: &Seen) -> usize {
    let range = seen.header("range").strip_prefix("bytes=");
    let from = range.and_then(|range| range.strip_suffix('-'));
    from.map_or(0, |from| from.parse().expect("an offset"))
}

#[test]
fn a_reset_in_mid_blob_is_gone_on_with_by_range() {
    let server = FaultServer::start(|seen| {
        let (whole, from) = (blob(), from_of(seen));
        let rest = whole[from..].to_vec();
        let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
        let reply = if from == 0 {
            Reply::new(200, rest)
        } else {
            Reply::new(206, rest).with("Content-Range", range)
        };
        match from {
            // Further every time, and each time not to the end.
            0..400_000 => reply.breaking(Fault::Truncated(150_000)),
            _ => reply,
        }
    });
    assert!(get(&server) == Ok(blob()));
    let froms: Vec<usize> = server.seen().iter().map(from_of).collect();
    assert_eq!(froms[0], 0);
    assert!(froms.len() >= 4 && froms.is_sorted(), "{froms:?}");
}

#[test]
fn a_server_without_ranges_starts_again_from_zero() {
    let asked = AtomicUsize::new(0);
    let server = FaultServer::start(move |_| {
        let reply = Reply::new(200, blob());
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => reply.breaking(Fault::Truncated(300_000)),
            _ => reply,
        }
    });
    assert!(get(&server) == Ok(blob()));
    assert_eq!(server.seen()[1].header("range"), "bytes=300000-");
}

#[test]
fn what_an_earlier_run_left_is_not_asked_for_again() {
    let server = FaultServer::start(|seen| {
        let (whole, from) = (blob(), from_of(seen));
        let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
        Reply::new(206, &whole[from..]).with("Content-Range", range)
    });
    let whole = blob();
    let left = Kept {
        bytes: whole[..500_000].to_vec(),
        is_whole: false,
    };
    let kept = get_kept(&server, (sha256(&whole), whole.len() as u64), left);
    assert!(kept.is_ok_and(|kept| kept.is_whole && kept.bytes == whole));
    let froms: Vec<usize> = server.seen().iter().map(from_of).collect();
    assert_eq!(froms, [500_000]);
}

#[test]
fn what_an_earlier_run_left_and_is_wrong_is_asked_for_from_zero() {
    let server = FaultServer::start(|seen| {
        let (whole, from) = (blob(), from_of(seen));
        let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
        let rest = &whole[from..];
        match from {
            0 => Reply::new(200, rest),
            _ => Reply::new(206, rest).with("Content-Range", range),
        }
    });
    let whole = blob();
    let left = Kept {
        bytes: vec![7; 1000],
        is_whole: false,
    };
    let kept = get_kept(&server, (sha256(&whole), whole.len() as u64), left);
    assert!(kept.is_ok_and(|kept| kept.is_whole && kept.bytes == whole));
}

#[test]
fn a_blob_of_another_size_or_range_is_a_violation() {
    let check = |reply: fn(&Seen) -> Reply, expected: &str| {
        let server = FaultServer::start(reply);
        let told = refused(&server);
        assert!(told.starts_with("Violation"), "{told}");
        assert!(told.contains(expected), "{told}");
    };
    check(
        |_| Reply::new(200, "short"),
        "it has 5 bytes, and not the 800000 of its descriptor",
    );
    check(
        |_| Reply::new(200, [blob(), blob()].concat()),
        "it has 1600000 bytes, and not the 800000",
    );
    check(
        |_| Reply::new(206, blob()).with("Content-Range", "bytes 5-800004/800005"),
        "it sent another range than was asked for",
    );
    check(
        |_| Reply::new(200, blob()).with("Content-Encoding", "gzip"),
        "compressed its answer",
    );
}

#[test]
fn a_blob_that_always_breaks_off_at_the_same_byte_is_given_up() {
    let server = FaultServer::start(|seen| {
        let (whole, from) = (blob(), from_of(seen));
        let rest = &whole[from..];
        match from {
            0 => Reply::new(200, rest).breaking(Fault::Truncated(100)),
            _ => Reply::new(500, ""),
        }
    });
    let told = refused(&server);
    assert!(told.starts_with("Unavailable"), "{told}");
}

#[test]
fn a_blob_without_an_end_is_read_no_further_than_its_size() {
    let server = FaultServer::start(|_| Reply::new(200, "x".repeat(4096)).breaking(Fault::Endless));
    assert!(get(&server).is_err());
}

#[test]
fn bytes_that_are_not_the_digest_are_not_kept() {
    let server = FaultServer::start(|_| Reply::new(200, vec![0; blob().len()]));
    assert_eq!(get(&server).err().as_deref(), Some("another digest"));
}

#[test]
fn who_asks_to_stop_is_obeyed() {
    let server = FaultServer::start(|_| Reply::new(200, blob()).breaking(Fault::Drip(5)));
    let whole = blob();
    let opener: Opener = Arc::new(move || {
        let sink = Memory(Arc::default(), sha256(b""));
        Ok(Some(Box::new(sink) as Box<dyn Sink>))
    });
    let job = Job {
        source: Supply::Registry(place(&server)),
        target: Target::Local(opener),
        progress: Progress::new(sha256(&whole), whole.len() as u64),
    };
    let done = anybody(&server).transfer(vec![job], &mut || false);
    assert_eq!(done.map_err(told), Err("interrupted".to_owned()));
}
