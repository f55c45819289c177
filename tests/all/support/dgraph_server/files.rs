//! Files by signed URLs, modelled on object stores: with parts, and with what goes wrong.

use super::State;
use super::http::{Request, Response};

/// What happens to a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All URLs that were signed so far hold no more, this one as well.
    Expired,
    /// The connection ends behind so many bytes.
    Cut(usize),
    /// As [`Cut`](Fault::Cut), and nothing said how many there would be.
    CutUnseen(usize),
    /// It says that it has so many bytes, and ends as if that were all.
    Short(usize),
    /// It says that it has so many bytes more than come.
    Long(usize),
    /// It is answered with this status.
    Status(u16),
    /// The file is another one from now on; the bytes are the same.
    Changed,
}

/// Answers a download.
pub fn answer(state: &mut State, request: &Request) -> Response {
    let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
    let name = path.rsplit('/').next().unwrap_or_default();
    let range = request.header("range").map(str::to_owned);
    state.downloads.push((name.to_owned(), range.clone()));
    assert!(
        request.header("x-auth-token").is_none() && request.header("dg-auth").is_none(),
        "keys are not for whoever holds the files"
    );
    let fault = state.faults.pop_front().flatten();
    match fault {
        Some(Fault::Expired) => state.generation += 1,
        Some(Fault::Changed) => state.changes += 1,
        Some(Fault::Status(status)) => return Response::new(status, "busy"),
        _ => {}
    }
    if query != state.signature() {
        return Response::new(
            403,
            "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
        );
    }
    let Some((_, whole)) = state.files().into_iter().find(|it| it.0 == name) else {
        return Response::new(404, "");
    };
    let etag = format!("\"{name}-{}\"", state.changes);
    let same = request.header("if-range") == Some(&etag);
    let from = range.filter(|_| same).and_then(|it| {
        let from = it.strip_prefix("bytes=")?.strip_suffix('-')?.to_owned();
        from.parse::<usize>().ok()
    });
    let mut response = match from {
        Some(from) => {
            let mut response = Response::new(206, &whole[from..]);
            let range = format!("bytes {from}-{}/{}", whole.len() - 1, whole.len());
            response.headers.push(("content-range", range));
            response
        }
        None => Response::new(200, whole),
    };
    response.headers.push(("etag", etag));
    response.headers.push(("accept-ranges", "bytes".into()));
    match fault {
        Some(Fault::Cut(bytes)) => {
            response.body.truncate(bytes);
            response.is_last = true;
        }
        Some(Fault::CutUnseen(bytes)) => {
            response.body.truncate(bytes);
            (response.length, response.is_last) = (None, true);
        }
        Some(Fault::Short(bytes)) => {
            response.body.truncate(bytes);
            response.length = Some(bytes);
        }
        Some(Fault::Long(more)) => {
            response.length = response.length.map(|it| it + more);
            response.is_last = true;
        }
        _ => {}
    }
    response
}
