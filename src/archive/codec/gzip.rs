//! gzip in members of a bounded size, so that several threads can make and inflate them.
//!
//! A member holds at most [`BLOCK`] bytes, and tells its own length in an extra field, as bgzip does it: whoever reads
//! can find the next member before this one is inflated. Any reader of gzip passes the field over.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

/// Bytes that a member holds, at the most.
pub(super) const BLOCK: usize = 1 << 20;

/// How a member begins, up to the field of its length: magic, deflate, an extra field follows, no time, no flags, of an
/// unknown system; the extra field is 8 bytes long; it is called `SB`, and 4 bytes long.
const START: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 8, 0, b'S', b'B', 4, 0];
/// Bytes in front of the deflated data.
pub(super) const HEADER: usize = START.len() + 4;
/// Bytes behind it: CRC-32 and length.
const TRAILER: usize = 8;
/// The most that a stored block of deflate holds.
const STORED: usize = 0xffff;

/// A block is looked at in windows: what cannot become smaller in one is stored, the rest is compressed.
const WINDOW: usize = 32 << 10;
/// Pieces of a window that tell whether it could become smaller, and how long each is.
const PIECES: usize = 8;
const PIECE: usize = 512;
/// Bits of entropy in a byte from which on a window may be random.
const RANDOM: f64 = 7.9;

/// Makes members.
pub(super) struct Compressor {
    deflate: Compress,
    /// For a look at bytes that may not become smaller.
    probe: Compress,
    scratch: Vec<u8>,
    stores_all: bool,
}

impl Compressor {
    /// Compresses with this level.
    pub fn new(level: Compression) -> Self {
        Self {
            deflate: Compress::new(level, false),
            probe: Compress::new(Compression::fast(), false),
            scratch: Vec::new(),
            stores_all: level.level() == 0,
        }
    }

    /// The member that holds `block`.
    pub fn member(&mut self, block: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bound(block.len()));
        out.extend_from_slice(&START);
        out.extend_from_slice(&[0; 4]);
        let mut rest = block;
        // What comes again is told by the first that looks random, for all of the block.
        let mut comes_again = None;
        loop {
            let (length, looks_random) = self.run(rest);
            let part;
            (part, rest) = rest.split_at(length);
            let is_last = rest.is_empty();
            let before = out.len();
            let is_random = looks_random
                && !*comes_again.get_or_insert_with(|| self.becomes_smaller(&part[..WINDOW]));
            if self.stores_all || is_random || !deflate(&mut self.deflate, part, is_last, &mut out)
            {
                out.truncate(before);
                store(part, is_last, &mut out);
            }
            if is_last {
                break;
            }
        }
        let mut crc = Crc::new();
        crc.update(block);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&(block.len() as u32).to_le_bytes());
        let length = out.len() as u32;
        out[START.len()..HEADER].copy_from_slice(&length.to_le_bytes());
        // It may wait.
        out.shrink_to_fit();
        out
    }

    /// How many bytes at the start of `rest` are alike, and whether these look random.
    fn run(&self, rest: &[u8]) -> (usize, bool) {
        let mut windows = rest.chunks(WINDOW);
        let Some(first) = windows.next().filter(|_| !self.stores_all) else {
            return (rest.len(), false);
        };
        let is_random = looks_random(first);
        let alike = windows.take_while(|window| looks_random(window) == is_random);
        let length = first.len() + alike.map(<[u8]>::len).sum::<usize>();
        (length, is_random)
    }

    /// Whether bytes become smaller that look random one by one, because they come again.
    fn becomes_smaller(&mut self, window: &[u8]) -> bool {
        self.scratch.clear();
        deflate(&mut self.probe, window, true, &mut self.scratch)
            && self.scratch.len() <= window.len() / 100 * 98
    }
}

/// How long a member of ours is, as its header says; `None` where it is none of ours.
pub(super) fn whole_length(header: &[u8]) -> Option<usize> {
    let length = header.strip_prefix(&START)?.try_into().ok()?;
    let length = u32::from_le_bytes(length) as usize;
    (HEADER + TRAILER < length && length <= bound(BLOCK)).then_some(length)
}

/// Inflates members.
pub(super) struct Inflater(Decompress);

impl Inflater {
    pub fn new() -> Self {
        Self(Decompress::new(false))
    }

    /// What a member of ours holds, if it is whole.
    pub fn content(&mut self, member: &[u8]) -> Option<Vec<u8>> {
        let (deflated, trailer) = member.get(HEADER..)?.split_last_chunk::<TRAILER>()?;
        let (sum, length) = trailer.split_at(TRAILER / 2);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        if length > BLOCK {
            return None;
        }
        let mut content = Vec::with_capacity(length);
        self.0.reset(false);
        let end = self
            .0
            .decompress_vec(deflated, &mut content, FlushDecompress::Finish);
        let is_whole = matches!(end, Ok(Status::StreamEnd))
            && self.0.total_in() == deflated.len() as u64
            && content.len() == length;
        let mut crc = Crc::new();
        crc.update(&content);
        (is_whole && crc.sum().to_le_bytes() == sum).then_some(content)
    }
}

/// Room for a member of so many bytes, whether it is stored or deflated to no avail.
fn bound(length: usize) -> usize {
    // Nine bits for a byte is the worst that deflate makes of it.
    HEADER + length + length / 8 + 64 + TRAILER
}

/// Appends the deflated part, which ends the data where it `is_last`; gives whether that made it smaller.
fn deflate(compress: &mut Compress, part: &[u8], is_last: bool, out: &mut Vec<u8>) -> bool {
    compress.reset();
    // With less room than it may need, it stops in between, and does not start afresh from there.
    out.reserve(bound(part.len()));
    let before = out.len();
    // What does not end the data ends at a whole byte: another block can follow, however it was made.
    let (flush, wanted) = match is_last {
        true => (FlushCompress::Finish, Status::StreamEnd),
        false => (FlushCompress::Sync, Status::Ok),
    };
    let end = compress.compress_vec(part, out, flush);
    end.is_ok_and(|end| end == wanted)
        && compress.total_in() == part.len() as u64
        && out.len() - before <= part.len()
}

/// Appends the part as it is, in deflate's form.
fn store(part: &[u8], is_last: bool, out: &mut Vec<u8>) {
    let last = part.len().div_ceil(STORED).max(1) - 1;
    let mut rest = part;
    for number in 0..=last {
        let (part, behind) = rest.split_at(rest.len().min(STORED));
        let length = part.len() as u16;
        out.push(u8::from(is_last && number == last));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
        rest = behind;
    }
}

/// Whether a whole window holds about as many of each byte, as far as pieces of it tell.
fn looks_random(window: &[u8]) -> bool {
    if window.len() < WINDOW {
        return false;
    }
    let mut counts = [0_u32; 256];
    for number in 0..PIECES {
        let at = (window.len() - PIECE) / (PIECES - 1) * number;
        for &byte in &window[at..at + PIECE] {
            counts[usize::from(byte)] += 1;
        }
    }
    entropy(&counts) > RANDOM
}

/// Bits of entropy in a byte of those that were counted.
fn entropy(counts: &[u32; 256]) -> f64 {
    let total = f64::from(counts.iter().sum::<u32>());
    let part = |count: &u32| {
        let part = f64::from(*count) / total;
        -part * part.log2()
    };
    counts.iter().filter(|count| **count > 0).map(part).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::{GzDecoder, MultiGzDecoder};
    use std::io::Read;

    /// Bytes that do not compress.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1_u64;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    fn levels() -> impl Iterator<Item = Compressor> {
        (0..10).map(|level| Compressor::new(Compression::new(level)))
    }

    #[test]
    fn a_member_holds_its_block_and_tells_its_length() {
        let text: Vec<u8> = (0..BLOCK).map(|n| b"abcdefgh "[n * n % 9]).collect();
        for mut compressor in levels() {
            for length in [0, 1, STORED - 1, STORED, STORED + 1, BLOCK] {
                for block in [&text[..length], &noise(length)] {
                    let member = compressor.member(block);
                    assert_eq!(member[16..20], (member.len() as u32).to_le_bytes());
                    assert!(member.len() <= bound(length));
                    let mut inflated = Vec::new();
                    GzDecoder::new(&member[..])
                        .read_to_end(&mut inflated)
                        .expect("gzip");
                    assert!(inflated == block, "{length} bytes");
                }
            }
        }
    }

    #[test]
    fn what_does_not_become_smaller_is_stored() {
        let mut compressor = Compressor::new(Compression::default());
        let block = noise(BLOCK);
        assert_eq!(compressor.run(&block), (BLOCK, true));
        let stored = HEADER + BLOCK + BLOCK.div_ceil(STORED) * 5 + TRAILER;
        assert_eq!(compressor.member(&block).len(), stored);
    }

    #[test]
    fn noise_that_comes_again_and_noise_with_text_are_compressed() {
        let mut compressor = Compressor::new(Compression::default());
        let again = noise(16 << 10).repeat(BLOCK >> 14);
        let mut mixed = noise(BLOCK);
        mixed[BLOCK / 2..].fill(b'x');
        for block in [again, mixed] {
            assert!(compressor.member(&block).len() < BLOCK / 3 * 2);
        }
    }

    #[test]
    fn a_member_of_images_and_what_describes_them_is_stored_and_compressed_in_turn() {
        let text = "what describes an image, ".repeat(4000);
        let image = noise(150 << 10);
        let block = [text.as_bytes(), &image, text.as_bytes(), &image].concat();
        for mut compressor in levels().skip(1) {
            let member = compressor.member(&block);
            assert!(member.len() < 2 * image.len() + text.len() / 2);
            let stored = member
                .windows(1 << 10)
                .filter(|part| *part == &image[80 << 10..][..1 << 10]);
            assert_eq!(stored.count(), 2);
            let mut inflated = Vec::new();
            GzDecoder::new(&member[..])
                .read_to_end(&mut inflated)
                .expect("gzip");
            assert!(inflated == block);
        }
    }

    #[test]
    fn members_follow_each_other() {
        let mut compressor = Compressor::new(Compression::default());
        let bytes = [compressor.member(b"one "), compressor.member(b"two")].concat();
        let mut text = String::new();
        MultiGzDecoder::new(&bytes[..])
            .read_to_string(&mut text)
            .expect("gzip");
        assert_eq!(text, "one two");
    }
}
