//! gzip in members of a bounded size, so that several threads can make and inflate them.
//!
//! A member holds at most [`BLOCK`] bytes, and tells its own length in an extra field, as bgzip does it: whoever reads
//! can find the next member before this one is inflated. Any reader of gzip passes the field over.

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

/// Bytes that a member holds, at the most.
pub(super) const BLOCK: usize = 1 << 20;

/// How a member begins, up to the field of its length: magic, deflate, an extra field follows, no time, no flags, of an
/// unknown system; the extra field is 8 bytes long; it is called `SB`, and 4 bytes long.
const START: [u8; 16] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255, 8, 0, b'S', b'B', 4, 0];
/// Bytes in front of the deflated data.
const HEADER: usize = START.len() + 4;
/// Bytes behind it: CRC-32 and length.
const TRAILER: usize = 8;
/// The most that a stored block of deflate holds.
const STORED: usize = 0xffff;

/// Pieces of a block that are looked at to see whether it could become smaller, and how long each is.
const PIECES: usize = 8;
const PIECE: usize = 4 << 10;
/// Bits of entropy in a byte from which on a piece may be random.
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
        if self.stores_all || self.is_random(block) || !deflate(&mut self.deflate, block, &mut out)
        {
            out.truncate(HEADER);
            store(block, &mut out);
        }
        let mut crc = Crc::new();
        crc.update(block);
        out.extend_from_slice(&crc.sum().to_le_bytes());
        out.extend_from_slice(&(block.len() as u32).to_le_bytes());
        let length = out.len() as u32;
        out[START.len()..HEADER].copy_from_slice(&length.to_le_bytes());
        out
    }

    /// Whether a block would not become smaller, as pieces of it tell.
    fn is_random(&mut self, block: &[u8]) -> bool {
        if block.len() < PIECES * PIECE {
            return false;
        }
        let piece = |number: usize| {
            let at = (block.len() - PIECE) / (PIECES - 1) * number;
            &block[at..at + PIECE]
        };
        if !(0..PIECES).map(piece).all(|piece| entropy(piece) > RANDOM) {
            return false;
        }
        // Bytes that look random one by one may come again.
        let start = &block[..PIECES * PIECE];
        self.scratch.clear();
        !deflate(&mut self.probe, start, &mut self.scratch)
            || self.scratch.len() > start.len() / 100 * 98
    }
}

/// Room for a member of so many bytes, whether it is stored or deflated to no avail.
fn bound(length: usize) -> usize {
    // Nine bits for a byte is the worst that deflate makes of it.
    HEADER + length + length / 8 + 64 + TRAILER
}

/// Appends the deflated block; gives whether that made it smaller.
fn deflate(compress: &mut Compress, block: &[u8], out: &mut Vec<u8>) -> bool {
    compress.reset();
    // With less room than it may need, it stops in between, and does not start afresh from there.
    out.reserve(bound(block.len()));
    let before = out.len();
    let end = compress.compress_vec(block, out, FlushCompress::Finish);
    matches!(end, Ok(Status::StreamEnd)) && out.len() - before <= block.len()
}

/// Appends the block as it is, in deflate's form.
fn store(block: &[u8], out: &mut Vec<u8>) {
    let last = block.len().div_ceil(STORED).max(1) - 1;
    let mut rest = block;
    for number in 0..=last {
        let (part, behind) = rest.split_at(rest.len().min(STORED));
        let length = part.len() as u16;
        out.push(u8::from(number == last));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(part);
        rest = behind;
    }
}

/// Bits of entropy in a byte of these.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let total = bytes.len() as f64;
    let part = |count: u32| {
        let part = f64::from(count) / total;
        -part * part.log2()
    };
    counts
        .into_iter()
        .filter(|count| *count > 0)
        .map(part)
        .sum()
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
        assert!(compressor.is_random(&block));
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
