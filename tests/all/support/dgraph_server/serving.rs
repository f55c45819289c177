//! Requests, one after the other of each client, and what happens to them.

use super::http::{Request, Response};
use super::{Blow, State, admin, blows, changes, files};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Answers at a port; as Zero does where that is asked for.
pub fn start(
    listener: TcpListener,
    port: u16,
    state: &Arc<(Mutex<State>, Condvar)>,
    is_zero: bool,
) {
    let own = Arc::clone(state);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let state = Arc::clone(&own);
            thread::spawn(move || serve(&client, &state, port, is_zero));
        }
    });
}

fn serve(client: &TcpStream, state: &(Mutex<State>, Condvar), port: u16, is_zero: bool) {
    let Ok(mut reader) = client.try_clone().map(std::io::BufReader::new) else {
        return;
    };
    let epoch = lock(state).epoch;
    while let Some(mut request) = Request::head(&mut reader) {
        let blow = lock(state).blows.next(&request);
        let response = match blow {
            Some(Blow::CutRequest) => None,
            _ if request.fill(&mut reader).is_none() => None,
            None => {
                let own = lock(state);
                // Of whoever was there before it was emptied nothing comes any more.
                let is_late = own.epoch != epoch;
                (!is_late).then(|| answer(own, state, &request, port, is_zero))
            }
            Some(blow) => struck(blow, state, &request, port, is_zero),
        };
        let is_last = response
            .as_ref()
            .is_none_or(|it| it.write(client).is_err() || it.is_last);
        if is_last {
            let _ = client.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn lock(state: &(Mutex<State>, Condvar)) -> MutexGuard<'_, State> {
    state.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What comes of a request that something happens to; `None` where the connection ends.
fn struck(
    blow: Blow,
    state: &(Mutex<State>, Condvar),
    request: &Request,
    port: u16,
    is_zero: bool,
) -> Option<Response> {
    let mut done = None;
    if blow.is_done() {
        done = Some(answer(lock(state), state, request, port, is_zero));
    }
    let mut own = lock(state);
    match blow {
        Blow::Abort => Some(blows::aborted()),
        Blow::Status(status, _) => Some(Response::new(status, "<html>Bad Gateway</html>")),
        Blow::Cut(_) | Blow::CutRequest => None,
        Blow::Late(requests) => {
            if let Ok(namespace) = admin::entry(&mut own, request) {
                own.blows.delay(requests, request.clone(), namespace);
            }
            None
        }
        Blow::HeldBack => {
            own.held_back += 1;
            state.1.notify_all();
            drop(state.1.wait_while(own, |own| !own.is_released));
            done
        }
        Blow::Kill(_) => {
            strike(own, state, rustix::process::Signal::KILL);
            None
        }
        Blow::Interrupt(_) => {
            strike(own, state, rustix::process::Signal::INT);
            None
        }
    }
}

fn answer(
    mut own: MutexGuard<'_, State>,
    state: &(Mutex<State>, Condvar),
    request: &Request,
    port: u16,
    is_zero: bool,
) -> Response {
    let is_cloud = own.form.is_cloud();
    let path = request.path.split('?').next().unwrap_or_default();
    if !path.starts_with("/bucket/") {
        blows::arrive(&mut own);
        own.came.push(format!("{} {path}", request.method));
    }
    let next = own.says.front();
    let is_said = next.is_some_and(|(about, _)| is_about(request, about));
    if is_said && let Some((_, said)) = own.says.pop_front() {
        return admin::errors(&[said]);
    }
    let next = own.answers.front();
    let is_answered = next.is_some_and(|(about, _)| is_about(request, about));
    if is_answered && let Some((_, answer)) = own.answers.pop_front() {
        return Response::new(200, answer);
    }
    if is_zero {
        return match (request.method.as_str(), path) {
            ("GET", "/assign") => changes::assign(&mut own, request),
            _ => Response::new(404, "404 page not found\n"),
        };
    }
    let namespace = match path {
        "/alter" | "/mutate" | "/query" | "/admin/schema" => {
            match admin::entry(&mut own, request) {
                Ok(namespace) => namespace,
                Err(refusal) => return refusal,
            }
        }
        _ => 0,
    };
    match (request.method.as_str(), path) {
        ("POST", "/admin/slash") if is_cloud => admin::answer(&mut own, request, port),
        // Documents of Cloud have it.
        ("POST", "/admin") if is_cloud && is_about(request, "getGQLSchema") => {
            admin::answer(&mut own, request, port)
        }
        ("POST", "/admin") if !is_cloud => {
            if own.interrupts == Some(0) {
                own.interrupts = None;
                strike(own, state, rustix::process::Signal::INT);
                return Response::new(503, "");
            }
            let is_task = request.body.windows(6).any(|it| it == b"{ task");
            if let Some(left) = own.interrupts.as_mut().filter(|_| is_task) {
                *left -= 1;
            }
            admin::answer(&mut own, request, port)
        }
        ("POST", "/alter") => changes::alter(&mut own, request, namespace),
        ("POST", "/mutate") => changes::mutate(&mut own, request, namespace).1,
        ("POST", "/query") => changes::query(&mut own, request, namespace),
        ("POST", "/admin/schema") => changes::admin_schema(&mut own, request, namespace),
        ("GET", "/health") => changes::health(&own),
        ("GET", path) if path.starts_with("/bucket/") => files::answer(&mut own, request),
        _ if own.is_guarded => Response::new(403, "<html>Forbidden</html>"),
        _ => Response::new(404, "404 page not found\n"),
    }
}

/// Whether a text stands in the path or the body of a request.
fn is_about(request: &Request, text: &str) -> bool {
    let mut parts = [request.path.as_bytes(), &request.body].into_iter();
    parts.any(|it| it.windows(text.len()).any(|it| it == text.as_bytes()))
}

/// Sends a signal to whoever asks, once it is known who that is.
fn strike(
    own: MutexGuard<'_, State>,
    state: &(Mutex<State>, Condvar),
    signal: rustix::process::Signal,
) {
    let waited = state.1.wait_while(own, |own| own.victim.is_none());
    let mut own = waited.unwrap_or_else(PoisonError::into_inner);
    let victim = own
        .victim
        .take()
        .and_then(|it| rustix::process::Pid::from_raw(it as i32));
    rustix::process::kill_process(victim.expect("a process"), signal).expect("sent");
}
