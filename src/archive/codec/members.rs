//! Inflates the members of a gzip file, one behind the other; ours, which tell how long they are, on all cores.

use super::GZIP;
use super::ahead::{Ahead, Block, Then};
use super::gzip::{self, HEADER, Inflater, whole_length};
use super::pool::{Jobs, pool};
use super::read_start;
use crate::effort::{Effort, Work};
use crate::error::Result;
use crate::threads::start;
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// The most threads that inflate: what is made of it takes longer than they do.
const MOST_INFLATING: usize = 4;
/// A member of no more bytes is not worth a job of its own.
const SMALL: usize = 4 << 10;
/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;

/// Reads what `inner` holds compressed, in threads.
///
/// # Errors
/// The system gives none.
pub(super) fn inflating(inner: impl BufRead + Send + 'static, effort: &Effort) -> Result<Ahead> {
    let worker = || {
        let mut inflater = Inflater::new();
        let effort = effort.clone();
        move |job: Job| match job {
            Job::Member(member) => {
                effort.time(Work::Compression, || inflate(&mut inflater, &member))
            }
            Job::Done(block) => block,
        }
    };
    let (jobs, blocks) = pool(MOST_INFLATING, worker)?;
    let hands = effort.clone();
    start(move || hand_out(inner, &jobs, &hands))?;
    Ok(Ahead::of(blocks))
}

/// What a thread does for one block.
enum Job {
    /// It inflates a member of ours.
    Member(Vec<u8>),
    /// Nothing.
    Done(Block),
}

/// Hands members out as long as they are ours and whole. What follows is inflated here.
fn hand_out(mut inner: impl BufRead, jobs: &Jobs<Job, Block>, effort: &Effort) {
    let mut is_first = true;
    let mut small = Small::default();
    loop {
        let mut member = match read_start(&mut inner, HEADER) {
            Ok(start) => start,
            Err(error) => return small.end(jobs, Then::Failed(error)),
        };
        match member.first() {
            None if !is_first => return small.end(jobs, Then::End),
            Some(first) if *first != GZIP[0] && !is_first => {
                return small.end(jobs, Then::Failed(something_behind()));
            }
            _ => is_first = false,
        }
        let length = whole_length(&member);
        if length.is_none_or(|length| length > SMALL) && !small.hand_over(jobs) {
            return;
        }
        let Some(length) = length else {
            return inflate_here(Cursor::new(member).chain(inner), jobs, effort);
        };
        let rest = (length - HEADER) as u64;
        match (&mut inner).take(rest).read_to_end(&mut member) {
            Ok(_) if length <= SMALL && member.len() == length => {
                if !small.take(&member, jobs, effort) {
                    return;
                }
            }
            Ok(_) if member.len() == length => {
                if !jobs.give(Job::Member(member)) {
                    return;
                }
            }
            // As much as there is of it is worth reading.
            _ if !small.hand_over(jobs) => return,
            Ok(_) => return inflate_here(Cursor::new(member), jobs, effort),
            Err(error) => {
                return inflate_here(Cursor::new(member).chain(Broken(Some(error))), jobs, effort);
            }
        }
    }
}

/// Members that are inflated here, because to hand each out would take longer.
struct Small {
    inflater: Inflater,
    /// What they hold.
    bytes: Vec<u8>,
}

impl Default for Small {
    fn default() -> Self {
        Self {
            inflater: Inflater::new(),
            bytes: Vec::new(),
        }
    }
}

impl Small {
    /// Inflates a member. Gives whether there is anybody who wants more.
    fn take(&mut self, member: &[u8], jobs: &Jobs<Job, Block>, effort: &Effort) -> bool {
        let block = effort.time(Work::Compression, || inflate(&mut self.inflater, member));
        self.bytes.extend_from_slice(&block.bytes);
        match block.then {
            Then::More => self.bytes.len() < BUFFER || self.hand_over(jobs),
            then => {
                self.end(jobs, then);
                false
            }
        }
    }

    /// Hands over what they hold. Gives whether there is anybody who wants more.
    fn hand_over(&mut self, jobs: &Jobs<Job, Block>) -> bool {
        self.bytes.is_empty() || self.give(jobs, Then::More)
    }

    /// Hands over what they hold, and that nothing more can be read.
    fn end(&mut self, jobs: &Jobs<Job, Block>, then: Then) {
        self.give(jobs, then);
    }

    fn give(&mut self, jobs: &Jobs<Job, Block>, then: Then) -> bool {
        let bytes = std::mem::take(&mut self.bytes);
        jobs.give(Job::Done(Block { bytes, then }))
    }
}

/// Inflates all there is, in one thread.
fn inflate_here(packed: impl Read, jobs: &Jobs<Job, Block>, effort: &Effort) {
    let mut members = Members::new(BufReader::with_capacity(BUFFER, packed));
    loop {
        let block = effort.time(Work::Compression, || Block::read(&mut members));
        let goes_on = block.goes_on();
        if !jobs.give(Job::Done(block)) || !goes_on {
            return;
        }
    }
}

/// The content of a member of ours. Where it is damaged, what there is of it comes before the error.
fn inflate(inflater: &mut Inflater, member: &[u8]) -> Block {
    if let Some(bytes) = inflater.content(member) {
        return Block {
            bytes,
            then: Then::More,
        };
    }
    let mut bytes = Vec::new();
    let mut content = Members::new(member).take(gzip::BLOCK as u64 + 1);
    let then = match content.read_to_end(&mut bytes) {
        Err(error) => Then::Failed(error),
        Ok(length) if length > gzip::BLOCK => {
            let why = "a gzip member holds more than one of its kind may";
            Then::Failed(io::Error::new(io::ErrorKind::InvalidData, why))
        }
        Ok(_) => Then::More,
    };
    Block { bytes, then }
}

fn something_behind() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "something stands behind the compressed data",
    )
}

/// Gives an error, once.
pub(super) struct Broken(pub Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Inflates one gzip member after the other, and takes nothing else behind them.
pub(super) struct Members<R> {
    /// `None` while a member passes on to the next.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    pub fn new(inner: R) -> Self {
        Self {
            member: Some(GzDecoder::new(inner)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(member) = &mut self.member else {
                return Ok(0);
            };
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let ended = self.member.take().map(GzDecoder::into_inner);
            let Some(mut rest) = ended else {
                return Ok(0);
            };
            let next = rest.fill_buf()?;
            if next.is_empty() {
                return Ok(0);
            }
            if next[0] != GZIP[0] {
                return Err(something_behind());
            }
            self.member = Some(GzDecoder::new(rest));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::gzip::Compressor;
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn text() -> Vec<u8> {
        let words = ["archive ", "member ", "of ", "many "];
        let text = (0..700_000_usize).map(|n| words[n * n / 7 % words.len()]);
        text.collect::<String>().into_bytes()
    }

    fn ours(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut compressor = Compressor::new(Compression::fast());
        let blocks = bytes.chunks(gzip::BLOCK);
        blocks.map(|block| compressor.member(block)).collect()
    }

    /// Members of ours of a few bytes each, and an empty one.
    fn small(bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut compressor = Compressor::new(Compression::fast());
        let blocks = bytes.chunks(1000).chain([&[][..]]);
        blocks.map(|block| compressor.member(block)).collect()
    }

    fn foreign(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).expect("memory takes all");
        encoder.finish().expect("memory takes all")
    }

    /// What is read, and what is wrong.
    fn read(inner: impl BufRead + Send + 'static) -> (Vec<u8>, Option<io::Error>) {
        let mut bytes = Vec::new();
        let error = inflating(inner, &Effort::default())
            .expect("threads")
            .read_to_end(&mut bytes)
            .err();
        (bytes, error)
    }

    fn read_in_one(packed: &[u8]) -> (Vec<u8>, Option<io::Error>) {
        let mut bytes = Vec::new();
        let error = Members::new(packed).read_to_end(&mut bytes).err();
        (bytes, error)
    }

    #[test]
    fn members_of_ours_and_of_others_come_in_order() {
        let text = text();
        let (one, other) = text.split_at(text.len() / 3);
        for packed in [
            ours(&text).concat(),
            foreign(&text),
            [ours(one).concat(), foreign(other)].concat(),
            [foreign(one), ours(other).concat()].concat(),
            [
                small(one).concat(),
                ours(other).concat(),
                small(&[]).concat(),
            ]
            .concat(),
            [ours(one).concat(), small(other).concat()].concat(),
        ] {
            let (bytes, error) = read(Cursor::new(packed));
            assert!(error.is_none(), "{error:?}");
            assert!(bytes == text);
        }
    }

    #[test]
    fn what_is_cut_or_changed_gives_what_one_thread_finds() {
        let packed = ours(&text()).concat();
        let second = ours(&text())[0].len();
        let mut broken = Vec::new();
        for length in [
            0,
            1,
            19,
            20,
            21,
            second - 1,
            second,
            second + 5,
            second + 3000,
        ] {
            broken.push(packed[..length].to_vec());
        }
        for place in [
            0,
            3,
            second,
            second + 1,
            second + 30,
            second + 2000,
            packed.len() - 5,
        ] {
            let mut packed = packed.clone();
            packed[place] ^= 0x55;
            broken.push(packed);
        }
        broken.push([&packed[..], b"something else"].concat());
        for packed in broken {
            let (bytes, error) = read(Cursor::new(packed.clone()));
            let (expected, wrong) = read_in_one(&packed);
            // How much can be read right before a fault depends on the steps.
            assert!(bytes.starts_with(&expected) || expected.starts_with(&bytes));
            assert_eq!(
                error.map(|error| (error.kind(), error.to_string())),
                wrong.map(|error| (error.kind(), error.to_string()))
            );
        }
    }

    #[test]
    fn an_error_of_what_is_read_comes_behind_what_could_be_inflated() {
        let packed = ours(&text()).concat();
        for length in [0, 10, 5000, packed.len() / 2] {
            let gone = io::Error::new(io::ErrorKind::TimedOut, "the disk is gone");
            let start = Cursor::new(packed[..length].to_vec());
            let (bytes, error) = read(BufReader::new(start.chain(Broken(Some(gone)))));
            assert_eq!(error.expect("an error").to_string(), "the disk is gone");
            assert!(bytes.len() >= length && text().starts_with(&bytes) || length < 5000);
        }
    }

    #[test]
    fn a_member_that_says_another_length_than_it_has_is_no_end() {
        let text = text();
        let mut members = ours(&text);
        let length = (members[0].len() + members[1].len()) as u32;
        members[0][16..20].copy_from_slice(&length.to_le_bytes());
        let (bytes, error) = read(Cursor::new(members.concat()));
        match error {
            Some(error) => assert!(error.to_string().contains("more than"), "{error}"),
            None => assert!(bytes == text),
        }
        members[0][16..20].copy_from_slice(&100_u32.to_le_bytes());
        assert!(read(Cursor::new(members.concat())).1.is_some());
    }
}
