//! The requests that a data set is sent in: elements of one kind, in order, as many as fit, whatever files they came in.
//! The same data set gives the same requests in every run.

use super::super::ndf::{Page, ValueType};
use sha2::{Digest as _, Sha256};

/// How many bytes a request has, unless a single element is longer.
pub const CHUNK: usize = 1_000_000;

/// What a request is known by: the first half of its SHA-256.
pub type Digest = [u8; 16];

/// Elements that stand next to each other in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The file, by its number in the data set.
    pub file: usize,
    /// The number of the first element there, from 1.
    pub first: u64,
    /// How many there are.
    pub count: u64,
}

/// A request.
#[derive(Debug)]
pub struct Chunk {
    /// What it holds.
    pub kind: ValueType,
    /// Its number among those of its kind, from 0.
    pub number: usize,
    /// Its body.
    pub body: String,
    /// Where its elements come from.
    pub pieces: Vec<Piece>,
}

impl Chunk {
    /// What it is known by.
    pub fn digest(&self) -> Digest {
        let whole = Sha256::digest(self.body.as_bytes());
        let mut digest = [0; 16];
        digest.copy_from_slice(&whole[..16]);
        digest
    }

    /// How many elements it has.
    pub fn elements(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.count).sum()
    }

    /// Where the element of this number comes from: the file, and its number there. They are counted from 0.
    pub fn origin(&self, element: u64) -> Option<(usize, u64)> {
        let mut before = 0;
        self.pieces.iter().find_map(|piece| {
            let own = element.checked_sub(before)?;
            before += piece.count;
            (own < piece.count).then_some((piece.file, piece.first + own))
        })
    }
}

/// Puts the elements of one kind together.
#[derive(Debug)]
pub struct Chunks {
    kind: ValueType,
    number: usize,
    page: Page,
    pieces: Vec<Piece>,
}

impl Chunks {
    /// None yet.
    pub fn new(kind: ValueType) -> Self {
        Self {
            kind,
            number: 0,
            page: Page::new(kind),
            pieces: Vec::new(),
        }
    }

    /// Takes an element and where it stands. Gives the request that it has no room in any more.
    pub fn push(&mut self, file: usize, number: u64, text: &str) -> Option<Chunk> {
        let is_full = !self.page.is_empty() && self.page.bytes() + text.len() + 1 > CHUNK;
        let ended = is_full.then(|| self.end());
        self.page.push(text);
        match self.pieces.last_mut() {
            Some(piece) if piece.file == file && piece.first + piece.count == number => {
                piece.count += 1
            }
            _ => self.pieces.push(Piece {
                file,
                first: number,
                count: 1,
            }),
        }
        ended
    }

    /// The last request, if there is one.
    pub fn finish(mut self) -> Option<Chunk> {
        (!self.page.is_empty()).then(|| self.end())
    }

    fn end(&mut self) -> Chunk {
        let page = std::mem::replace(&mut self.page, Page::new(self.kind));
        let number = self.number;
        self.number += 1;
        Chunk {
            kind: self.kind,
            number,
            body: page.finish(),
            pieces: std::mem::take(&mut self.pieces),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_cut_into_requests_by_their_size_and_know_where_they_come_from() {
        let mut chunks = Chunks::new(ValueType::Nodes);
        let element = format!("\"{}\"", "x".repeat(399_900));
        let mut ended = Vec::new();
        for (file, number) in [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)] {
            ended.extend(chunks.push(file, number, &element));
        }
        ended.extend(chunks.finish());
        let counts: Vec<u64> = ended.iter().map(Chunk::elements).collect();
        assert_eq!(counts, [2, 2, 1]);
        assert!(ended.iter().all(|it| it.body.len() <= CHUNK));
        let places: Vec<_> = (0..3).map(|element| ended[1].origin(element)).collect();
        assert_eq!(places, [Some((1, 1)), Some((1, 2)), None]);
        assert_ne!(ended[0].digest(), ended[2].digest());
        assert_eq!(ended[0].digest(), ended[1].digest());
    }
}
