//! What a fuzzer feeds to this room: frames of a server that may be anybody's. See [`crate::fuzzing`].

use super::pull::take_anything;
use super::wire::Frame;

/// Frames of a server, a line each, of a pull: what is in them goes where rows and files go.
pub fn frames(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for line in text.lines() {
        match Frame::parse(line.into()) {
            Ok(Frame::Answer { result, .. }) => {
                if let Ok(answer) = result {
                    let _ = answer.stats(true);
                    take_anything(answer.data());
                }
            }
            Ok(Frame::Cargo(cargo)) => take_anything(cargo.data().unwrap_or_default()),
            Ok(Frame::Diagnostic(_) | Frame::Backup(_) | Frame::Other) | Err(_) => {}
        }
    }
}
