//! Strapi's encryption: AES-128 in ECB mode with PKCS#7 padding.
//!
//! The key is scrypt(password, no salt, N = 16384, r = 8, p = 1), 16 bytes. There is no header and
//! nothing is authenticated: equal blocks of 16 bytes look equal, and a changed block is not noticed
//! here. It is what `strapi import` reads.

use super::password::Password;
use crate::effort::{Effort, Work};
use aes::Aes128;
use aes::cipher::{Block, BlockModeDecrypt, BlockModeEncrypt, KeyInit};
use std::io::{self, Read, Write};

/// Bytes in a block.
pub const BLOCK: usize = 16;
/// Bytes that are worked on at once.
const BUFFER: usize = 64 << 10;

/// A key, ready for use.
#[derive(Clone)]
pub struct Key([u8; 16]);

impl Key {
    /// Derives the key from a password. Takes some 50 ms.
    pub fn derive(password: &Password) -> Self {
        let mut key = [0; 16];
        password.derive(b"", &mut key);
        Self(key)
    }

    /// Some key, at once.
    #[cfg(any(test, feature = "fuzzing"))]
    pub fn fixed() -> Self {
        Self([7; 16])
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// Views bytes as blocks. `bytes` must be whole blocks long.
fn blocks(bytes: &mut [u8]) -> &mut [Block<Aes128>] {
    let (blocks, rest) = Block::<Aes128>::slice_as_chunks_mut(bytes);
    debug_assert!(rest.is_empty());
    blocks
}

/// Encrypts what is written to it.
pub struct Encryptor<W> {
    inner: W,
    effort: Effort,
    cipher: ecb::Encryptor<Aes128>,
    buffer: Vec<u8>,
}

impl<W: Write> Encryptor<W> {
    /// Encrypts into `inner`.
    pub fn new(inner: W, key: &Key, effort: &Effort) -> Self {
        Self {
            inner,
            effort: effort.clone(),
            cipher: ecb::Encryptor::new(&key.0.into()),
            buffer: Vec::with_capacity(BUFFER),
        }
    }

    /// Writes the padding and gives the inner writer back.
    ///
    /// # Errors
    /// The inner writer failed.
    pub fn finish(mut self) -> io::Result<W> {
        let padding = BLOCK - self.buffer.len() % BLOCK;
        self.buffer
            .resize(self.buffer.len() + padding, padding as u8);
        self.write_blocks()?;
        Ok(self.inner)
    }

    fn write_blocks(&mut self) -> io::Result<()> {
        let whole = self.buffer.len() / BLOCK * BLOCK;
        let ready = &mut self.buffer[..whole];
        let cipher = &mut self.cipher;
        self.effort
            .time(Work::Encryption, || cipher.encrypt_blocks(blocks(ready)));
        self.inner.write_all(ready)?;
        self.buffer.drain(..whole);
        Ok(())
    }
}

impl<W: Write> Write for Encryptor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = bytes.len().min(BUFFER - self.buffer.len().min(BUFFER - 1));
        self.buffer.extend_from_slice(&bytes[..length]);
        if self.buffer.len() >= BUFFER {
            self.write_blocks()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Decrypts what is read from it.
pub struct Decryptor<R> {
    inner: R,
    effort: Effort,
    cipher: ecb::Decryptor<Aes128>,
    /// Decrypted; the last block is held back until it is known whether it holds the padding.
    buffer: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: Read> Decryptor<R> {
    /// Decrypts what `inner` gives.
    pub fn new(inner: R, key: &Key, effort: &Effort) -> Self {
        Self {
            inner,
            effort: effort.clone(),
            cipher: ecb::Decryptor::new(&key.0.into()),
            buffer: Vec::with_capacity(BUFFER + BLOCK),
            given: 0,
            ended: false,
        }
    }

    fn available(&self) -> usize {
        let held_back = if self.ended { 0 } else { BLOCK };
        (self.buffer.len() - self.given).saturating_sub(held_back)
    }

    /// Reads on. Whoever asks again after an error gets one again, and nothing that is left.
    fn fill(&mut self) -> io::Result<()> {
        let filled = self.read_blocks();
        if filled.is_err() {
            self.buffer.clear();
        }
        filled
    }

    fn read_blocks(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.given);
        self.given = 0;
        let start = self.buffer.len();
        (&mut self.inner)
            .take(BUFFER as u64)
            .read_to_end(&mut self.buffer)?;
        let read = self.buffer.len() - start;
        if !read.is_multiple_of(BLOCK) {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the encrypted data was cut short",
            ));
        }
        let (cipher, read_now) = (&mut self.cipher, &mut self.buffer[start..]);
        self.effort
            .time(Work::Encryption, || cipher.decrypt_blocks(blocks(read_now)));
        if read < BUFFER {
            self.remove_padding()?;
            self.ended = true;
        }
        Ok(())
    }

    fn remove_padding(&mut self) -> io::Result<()> {
        let wrong = || {
            io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the encrypted data has no end, or another one than it should",
            )
        };
        let last = usize::from(*self.buffer.last().ok_or_else(wrong)?);
        let whole = self.buffer.len();
        if !(1..=BLOCK).contains(&last)
            || self.buffer[whole - last..]
                .iter()
                .any(|&byte| usize::from(byte) != last)
        {
            return Err(wrong());
        }
        self.buffer.truncate(whole - last);
        Ok(())
    }
}

impl<R: Read> Read for Decryptor<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.available() == 0 && !self.ended {
            self.fill()?;
        }
        let length = self.available().min(out.len());
        out[..length].copy_from_slice(&self.buffer[self.given..self.given + length]);
        self.given += length;
        Ok(length)
    }
}

/// Decrypts the first blocks of a file, to see what is in it. Gives as much as it can.
pub(super) fn peek(start: &[u8], key: &Key) -> Vec<u8> {
    let whole = start.len() / BLOCK * BLOCK;
    let mut plain = start[..whole].to_vec();
    ecb::Decryptor::<Aes128>::new(&key.0.into()).decrypt_blocks(blocks(&mut plain));
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_cut_gives_nothing_but_errors_however_often_it_is_read() {
        let mut encryptor = Encryptor::new(Vec::new(), &Key::fixed(), &Effort::default());
        encryptor.write_all(&[0; 40]).expect("written");
        let packed = encryptor.finish().expect("written");
        for length in 0..packed.len() {
            let mut decryptor =
                Decryptor::new(&packed[..length], &Key::fixed(), &Effort::default());
            for _ in 0..3 {
                let error = decryptor.read(&mut [0; 64]).expect_err("it was cut");
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            }
        }
    }

    fn round_trip(plain: &[u8]) -> Vec<u8> {
        let key = Key([7; 16]);
        let mut encryptor = Encryptor::new(Vec::new(), &key, &Effort::default());
        encryptor.write_all(plain).expect("written");
        let encrypted = encryptor.finish().expect("finished");
        assert_eq!(encrypted.len(), (plain.len() / BLOCK + 1) * BLOCK);
        let mut out = Vec::new();
        Decryptor::new(&encrypted[..], &key, &Effort::default())
            .read_to_end(&mut out)
            .expect("read");
        out
    }

    #[test]
    fn what_is_encrypted_comes_back_whatever_its_length() {
        for length in [0, 1, 15, 16, 17, BUFFER - 1, BUFFER, BUFFER + 1, 3 * BUFFER] {
            let plain: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            assert!(round_trip(&plain) == plain, "{length} bytes");
        }
    }

    #[test]
    fn the_key_is_that_of_node() {
        // crypto.scryptSync('kitchen-sink', '', 16).toString('hex')
        let key = Key::derive(&Password::new("kitchen-sink"));
        let hex: String = key.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba80efb6bb3ec710e84be72be0e2cf34");
    }

    #[test]
    fn data_that_was_cut_is_noticed() {
        let key = Key([7; 16]);
        let mut encryptor = Encryptor::new(Vec::new(), &key, &Effort::default());
        encryptor.write_all(&[200; 100]).expect("written");
        let encrypted = encryptor.finish().expect("finished");
        for length in [0, 5, 16, 96, encrypted.len() - 1] {
            let mut out = Vec::new();
            let read = Decryptor::new(&encrypted[..length], &key, &Effort::default())
                .read_to_end(&mut out);
            assert!(read.is_err(), "{length} bytes");
        }
    }
}
