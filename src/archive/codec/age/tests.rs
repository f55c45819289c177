use super::encryptor::MOST_RECIPIENTS;
use super::start::VERSION;
use super::*;
use crate::archive::Identities;
use crate::archive::Recipient;
use crate::archive::codec::IdentityFile;
use ::age::armor::{ArmoredWriter, Format};
use std::io::Write;

/// Little work, so that a test may try a passphrase often.
const LITTLE: u8 = 1;

/// A key pair.
fn pair() -> (Recipient, Identities) {
    let identity = ::age::x25519::Identity::generate();
    let recipient = Recipient::parse(&identity.to_public().to_string()).expect("a recipient");
    let text = identity.to_string().expose_secret().to_owned();
    match IdentityFile::read(text.into_bytes()).expect("an identity") {
        IdentityFile::Open(identities) => (recipient, identities),
        IdentityFile::Locked(_) => panic!("it is not encrypted"),
    }
}

fn to(recipients: &[Recipient], plain: &[u8]) -> Vec<u8> {
    let encryptor = Encryptor::to_recipients(Vec::new(), recipients, &Effort::default());
    let mut encryptor = encryptor.expect("begun");
    encryptor.write_all(plain).expect("written");
    encryptor.finish().expect("ended")
}

fn with_passphrase(passphrase: &str, plain: &[u8]) -> Vec<u8> {
    let password = Password::new(passphrase);
    let encryptor = Encryptor::with_work(Vec::new(), &password, LITTLE, &Effort::default());
    let mut encryptor = encryptor.expect("begun");
    encryptor.write_all(plain).expect("written");
    encryptor.finish().expect("ended")
}

fn armored(file: &[u8]) -> Vec<u8> {
    let mut armor = ArmoredWriter::wrap_output(Vec::new(), Format::AsciiArmor).expect("begun");
    armor.write_all(file).expect("written");
    armor.finish().expect("ended")
}

/// The content of a file, opened for the first time and once more.
fn content(file: &[u8], unlock: &Unlock) -> Result<Vec<u8>> {
    let effort = Effort::default();
    let read = |mut decryptor: Decryptor| {
        let mut out = Vec::new();
        let read = decryptor.read_to_end(&mut out);
        read.map(|_| out).map_err(|error| damaged("it", error))
    };
    let header = || Header::read(Cursor::new(file.to_vec())).map_err(|it| damaged("it", it));
    let (key, first) = header()?.open(unlock, "it", &effort)?;
    let first = read(first);
    let again = header()?.open_again(&key, &effort);
    let again = again.map_err(|error| damaged("it", error)).and_then(read);
    assert_eq!(first.as_ref().ok(), again.as_ref().ok());
    first
}

#[test]
fn what_is_encrypted_comes_back_whatever_its_length() {
    let (recipient, identities) = pair();
    let unlock = Unlock::Identities(identities);
    for length in [
        0,
        1,
        BUFFER - 1,
        BUFFER,
        BUFFER + 1,
        3 * BUFFER,
        5 * BUFFER + 7,
    ] {
        let plain: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        let file = to(std::slice::from_ref(&recipient), &plain);
        assert_eq!(Start::of(&file).expect("a file"), Start::Recipients);
        assert!(
            content(&file, &unlock).expect("opened") == plain,
            "{length}"
        );
        let text = armored(&file);
        assert_eq!(
            Start::of(&text[..512.min(text.len())]).expect("a file"),
            Start::Recipients
        );
        assert!(
            content(&text, &unlock).expect("opened") == plain,
            "{length}"
        );
    }
}

#[test]
fn each_recipient_opens_it_and_nobody_else() {
    let pairs = [pair(), pair(), pair()];
    let recipients: Vec<Recipient> = pairs.iter().map(|(public, _)| public.clone()).collect();
    let file = to(&recipients, b"content");
    let mut all = pair().1;
    for (_, identities) in pairs {
        let unlock = Unlock::Identities(identities.clone());
        assert_eq!(content(&file, &unlock).expect("opened"), b"content");
        all.extend(identities);
    }
    assert_eq!(
        content(&file, &Unlock::Identities(all)).expect("opened"),
        b"content"
    );
    let error = content(&file, &Unlock::Identities(pair().1)).expect_err("another one");
    assert_eq!(error.kind(), Kind::WrongKey);
    assert!(Encryptor::to_recipients(Vec::new(), &[], &Effort::default()).is_err());
}

#[test]
fn as_many_recipients_as_there_may_be_open_it() {
    let (recipient, identities) = pair();
    let mut all = vec![pair().0; MOST_RECIPIENTS - 1];
    all.push(recipient);
    let unlock = Unlock::Identities(identities);
    assert_eq!(
        content(&to(&all, b"content"), &unlock).expect("opened"),
        b"content"
    );
    all.push(pair().0);
    let error = Encryptor::to_recipients(Vec::new(), &all, &Effort::default()).err();
    assert_eq!(error.expect("too many").kind(), Kind::Usage);
}

#[test]
fn another_passphrase_does_not_open_it() {
    let file = with_passphrase("kitchen-sink", b"content");
    assert_eq!(Start::of(&file).expect("a file"), Start::Passphrase);
    let unlock = |passphrase: &str| Unlock::Key(Password::new(passphrase));
    assert_eq!(
        content(&file, &unlock("kitchen-sink")).expect("opened"),
        b"content"
    );
    let error = content(&file, &unlock("kitchen-sing")).expect_err("another one");
    assert_eq!(error.kind(), Kind::WrongKey);
}

/// Files in every form, and what opens them.
fn forms() -> Vec<(Vec<u8>, Unlock)> {
    let (recipient, identities) = pair();
    let unlock = Unlock::Identities(identities);
    let binary = to(&[recipient], b"some content");
    let passphrase = Unlock::Key(Password::new("kitchen-sink"));
    vec![
        (armored(&binary), unlock.clone()),
        (binary, unlock),
        (with_passphrase("kitchen-sink", b"some content"), passphrase),
    ]
}

#[test]
fn a_file_that_was_cut_anywhere_is_not_taken() {
    for (file, unlock) in forms() {
        // The end of a line is not missed behind the last one of an armor.
        let end = file.trim_ascii_end().len();
        for length in 0..end {
            let error = content(&file[..length], &unlock).expect_err("it was cut");
            assert_ne!(error.kind(), Kind::Failed, "{length}: {error}");
        }
    }
}

#[test]
fn no_byte_is_changed_unnoticed() {
    for (file, unlock) in forms() {
        for place in 0..file.len() {
            for bit in [1, 0x10, 0x80] {
                let mut changed = file.clone();
                changed[place] ^= bit;
                match content(&changed, &unlock) {
                    Ok(read) => assert_eq!(read, b"some content", "{place}"),
                    Err(error) => assert_ne!(error.kind(), Kind::Failed, "{place}: {error}"),
                }
            }
        }
    }
}

#[test]
fn what_follows_the_last_chunk_is_not_passed_over() {
    let (recipient, identities) = pair();
    let mut file = to(&[recipient], b"content");
    file.push(0);
    let error = content(&file, &Unlock::Identities(identities)).expect_err("there is more");
    assert_eq!(error.kind(), Kind::Archive);
}

#[test]
fn whoever_asks_again_after_an_error_gets_it_again() {
    let (recipient, identities) = pair();
    let file = to(&[recipient], &vec![7; 3 * BUFFER]);
    let unlock = Unlock::Identities(identities);
    let cut = Cursor::new(file[..file.len() - BUFFER].to_vec());
    let header = Header::read(cut).expect("its header is whole");
    let (_, mut content) = header
        .open(&unlock, "it", &Effort::default())
        .expect("opened");
    let mut out = Vec::new();
    for _ in 0..3 {
        content.read_to_end(&mut out).expect_err("it was cut");
        assert_eq!(out.len(), 2 * BUFFER);
    }
}

#[test]
fn a_header_that_takes_too_much_work_is_refused_before_it_is_done() {
    let file = with_passphrase("kitchen-sink", b"content");
    let text = String::from_utf8_lossy(&file);
    let (before, _) = text.split_once(" 1\n").expect("a work factor");
    for work in ["21", "30", "63", "4000000000", "18446744073709551615"] {
        let hostile = [
            before.as_bytes(),
            b" ",
            work.as_bytes(),
            b"\n",
            &file[before.len() + 3..],
        ];
        let hostile = hostile.concat();
        let error = Start::of(&hostile).expect_err(work);
        assert_eq!(error.kind(), Kind::Archive);
        assert!(error.to_string().contains(&format!("2^{work}")), "{error}");
        assert!(Start::of(&armored(&hostile)).is_err());
        content(&hostile, &Unlock::Key(Password::new("kitchen-sink"))).expect_err(work);
    }
}

#[test]
fn headers_and_lines_without_end_are_not_taken_into_memory() {
    let stanza = b"-> X25519 CJM36AHmTbdHSuOQL+NESqyVQE75f2e610iRdLPEN20\n";
    let many = [
        VERSION,
        &stanza.repeat(2 * LONGEST_HEADER as usize / stanza.len()),
    ]
    .concat();
    let long = [VERSION, b"-> ", &vec![b'a'; 2 * LONGEST_HEADER as usize]].concat();
    let text = [ARMOR, b"\n", &vec![b'A'; 1 << 20]].concat();
    for file in [many, long, text] {
        let error = Header::read(Cursor::new(file)).err().expect("too long");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
        assert!(error.to_string().contains("longer"), "{error}");
    }
}

#[test]
fn recipients_of_other_kinds_are_named() {
    let (recipient, identities) = pair();
    let file = to(&[recipient], b"content");
    let text = String::from_utf8_lossy(&file).into_owned();
    let at = text.find("X25519").expect("a recipient");
    let other = [&file[..at], b"mlkem768x25519", &file[at + 6..]].concat();
    let error = content(&other, &Unlock::Identities(identities)).expect_err("another kind");
    assert_eq!(error.kind(), Kind::WrongKey);
    assert!(error.to_string().contains("mlkem768x25519"), "{error}");
}

#[test]
fn another_version_of_the_format_is_named() {
    let error = Start::of(b"age-encryption.org/v2\n-> scrypt x 18\n").expect_err("newer");
    assert!(error.to_string().contains("another version"), "{error}");
}
