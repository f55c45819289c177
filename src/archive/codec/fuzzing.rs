//! See [`crate::fuzzing`].

use super::Wrapping;
use super::age::{Header, Start};
use super::ecb::{Decryptor, Encryptor, Key};
use super::identity_file::IdentityFile;
use super::lock::Unlock;
use super::members::inflating;
use crate::effort::Effort;
use std::io::{self, BufRead, BufReader, Cursor, Read, Write};

/// More is not read: what is small when compressed may be large.
const ENOUGH: u64 = 16 << 20;

/// An identity that opens nothing but what the corpus holds.
const IDENTITY: &str = "AGE-SECRET-KEY-1VD2EYZDDXZ62DRPFU2063FSNYYL7TCRKY8TQRGXCPYMEFVNXPV8SEU7UWC";

/// Reads `content` as a file in the age format, to its end. Passphrases are left out: each takes a second.
pub fn age(content: &[u8]) {
    let _ = Start::of(content);
    let Ok(header) = Header::read(Cursor::new(content.to_vec())) else {
        return;
    };
    let Ok(IdentityFile::Open(identities)) = IdentityFile::read(IDENTITY.into()) else {
        unreachable!("it is one");
    };
    let unlock = Unlock::Identities(identities);
    if let Ok((_, plain)) = header.open(&unlock, "it", &Effort::default()) {
        let _ = io::copy(&mut plain.take(ENOUGH), &mut io::sink());
    }
}

/// Reads `content` to its end: as it is, or encrypted and then changed in the way that `how` says.
pub fn scramble(how: [u8; 4], content: &[u8]) {
    let (key, effort) = (Key::fixed(), Effort::default());
    let mut packed = content.to_vec();
    let (is_encrypted, change) = (how[0] & 1 == 1, how[0] >> 1 & 3);
    if is_encrypted {
        let mut encryptor = Encryptor::new(Vec::new(), &key, &effort);
        encryptor.write_all(content).expect("memory takes all");
        packed = encryptor.finish().expect("memory takes all");
        let place = usize::from(u16::from_le_bytes([how[1], how[2]])) % packed.len();
        match change {
            0 => packed.truncate(packed.len() - place),
            1 => packed[place] ^= how[3],
            _ => {}
        }
    }
    let packed = Cursor::new(packed);
    let plain: Box<dyn Read + Send> = match is_encrypted {
        true => Box::new(Decryptor::new(packed, &key, &effort)),
        false => Box::new(packed),
    };
    let mut plain = BufReader::new(plain);
    let start = plain.fill_buf().unwrap_or_default();
    let is_gzip = Wrapping::of(start) == Wrapping::Gzip;
    let read = match is_gzip {
        true => io::copy(
            &mut inflating(plain, &effort).expect("threads").take(ENOUGH),
            &mut io::sink(),
        ),
        false => io::copy(&mut plain.take(ENOUGH), &mut io::sink()),
    };
    if is_encrypted && change > 1 && !is_gzip {
        assert_eq!(read.ok(), Some(content.len() as u64));
    }
}
