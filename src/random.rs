//! What nobody can guess.

use crate::error::{Error, Result};

/// Random bytes of the system's.
///
/// # Errors
/// It gives none.
pub(crate) fn bytes<const COUNT: usize>() -> Result<[u8; COUNT]> {
    let mut bytes = [0; COUNT];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::failed(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// 128 random bits in 32 hexadecimal digits.
///
/// # Errors
/// The system gives none.
pub(crate) fn digits() -> Result<String> {
    let bytes = bytes::<16>()?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
