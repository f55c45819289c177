use super::super::ending::Ending;
use super::*;
use crate::strapi::uploads::bucket::fake::{Fake, Trouble, When};
use crate::strapi::uploads::bucket::holder::Process;
use crate::strapi::uploads::bucket::{Layout, Pace};

fn place(fake: &Arc<Fake>) -> Place {
    Place {
        objects: fake.clone(),
        layout: Arc::new(Layout::default()),
        id: "0".repeat(32),
        pace: Pace::default(),
        ending: Ending::default(),
    }
}

/// A clock that stands at so many seconds, and can be set.
fn clock() -> (Clock, Arc<Mutex<u64>>) {
    let seconds = Arc::new(Mutex::new(0));
    let own = Arc::clone(&seconds);
    let clock = Clock::given(move || Duration::from_secs(*own.lock().expect("a time")));
    (clock, seconds)
}

fn set(seconds: &Mutex<u64>, to: u64) {
    *seconds.lock().expect("a time") = to;
}

#[test]
fn a_lease_is_held_for_as_long_as_it_is_renewed() {
    let fake = Arc::new(Fake::new(&[]));
    let (clock, seconds) = clock();
    let lease = Lease::make(&place(&fake), &clock).expect("made");
    for now in [20, 100, 180] {
        set(&seconds, now);
        lease.renew();
        lease.check().expect("held");
        fake.revive(Duration::from_secs(100));
    }
    set(&seconds, 180 + 91);
    // Also should it be renewed after that.
    for _ in 0..2 {
        let error = lease.check().expect_err("lost");
        assert!(
            error.to_string().contains("could not be renewed"),
            "{error}"
        );
        lease.renew();
    }
    drop(lease);
    assert_eq!(fake.keys().len(), 1, "it may be another's by now");
}

#[test]
fn a_lease_outlives_single_requests_that_fail() {
    let fake = Arc::new(Fake::new(&[]));
    let (clock, seconds) = clock();
    let lease = Lease::make(&place(&fake), &clock).expect("made");
    for (request, when) in [(0, When::Before), (1, When::Before), (1, When::After)] {
        set(&seconds, 40);
        fake.trouble(request, when, Trouble::Fails);
        lease.renew();
        lease.check().expect("held");
    }
    set(&seconds, 80);
    lease.renew();
    set(&seconds, 160);
    lease.check().expect("renewed");
    lease.release().expect("released");
    assert_eq!(fake.keys(), [""; 0]);
}

#[test]
fn a_lease_that_another_run_has_is_lost_as_soon_as_that_is_seen() {
    for is_deleted in [true, false] {
        let fake = Arc::new(Fake::new(&[]));
        let (clock, _) = clock();
        let lease = Lease::make(&place(&fake), &clock).expect("made");
        let other = match is_deleted {
            true => {
                fake.delete(&place(&fake).own(LEASE));
                None
            }
            false => {
                fake.revive(FREE);
                Some(Lease::take(&place(&fake), &clock).expect("old enough"))
            }
        };
        lease.renew();
        lease.check().expect_err("lost");
        drop(lease);
        if let Some(other) = other {
            other.renew();
            other.check().expect("held");
        }
    }
}

#[test]
fn a_lease_is_free_when_it_is_old_by_the_clock_of_the_store() {
    for hides_time in [false, true] {
        let fake = Arc::new(Fake::new(&[]));
        if hides_time {
            fake.hide_time();
        }
        let (clock, _) = clock();
        let lease = Lease::make(&place(&fake), &clock).expect("made");
        std::mem::forget(lease);
        let error = Lease::take(&place(&fake), &clock).err().expect("young");
        assert_eq!(error.kind(), Kind::Locked);
        assert!(
            error.to_string().contains(&std::process::id().to_string()),
            "{error}"
        );
        fake.revive(FREE - Duration::from_secs(1));
        check_free(&place(&fake), Asking::MayWrite).expect_err("young");
        assert_eq!(fake.keys(), [place(&fake).own(LEASE)]);
        fake.revive(Duration::from_secs(1));
        Lease::take(&place(&fake), &clock).expect("old enough");
        assert_eq!(fake.keys(), [""; 0]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_lease_of_a_process_of_this_machine_that_has_ended_is_free_at_once() {
    let own = Holder::own().expect("random digits");
    let process = own.process.clone().expect("Linux tells");
    let mut ended = std::process::Command::new("true").spawn().expect("started");
    let pid = ended.id();
    ended.wait().expect("ended");
    let other_machine = Process {
        machine: "another".to_owned(),
        ..process.clone()
    };
    let earlier = Process {
        started: process.started - 1,
        ..process.clone()
    };
    for (pid, process, is_free) in [
        (own.pid, Some(process.clone()), false),
        (own.pid, Some(earlier), true),
        (pid, Some(process), true),
        (pid, Some(other_machine), false),
        (pid, None, false),
    ] {
        let holder = Holder {
            pid,
            process,
            ..own.clone()
        };
        let fake = Arc::new(Fake::new(&[]));
        let text = serde_json::to_vec(&holder).expect("it serialises");
        fake.set(&place(&fake).own(LEASE), &text);
        let free = check_free(&place(&fake), Asking::MayWrite);
        assert_eq!(free.is_ok(), is_free, "{holder:?}");
    }
}

#[test]
fn a_lease_is_renewed_by_itself_and_ends_when_it_is_released() {
    let fake = Arc::new(Fake::new(&[]));
    let lease = Lease::make(&place(&fake), &Clock::default()).expect("made");
    let thread = lease.thread.lock().expect("nobody panics").is_some();
    assert!(thread, "nobody renews it");
    lease.check().expect("held");
    lease.release().expect("released");
    assert_eq!(fake.keys(), [""; 0]);
    assert!(lease.is_released());
}
