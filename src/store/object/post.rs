//! Tells somebody on the network that something happened: a monitor that watches whether runs end.

use crate::error::{Error, Result};
use crate::store::Access;
use crate::store::net::Connector;
use crate::store::net::Executor;
use std::time::Duration;
use url::Url;

/// Sends `body` to `url`, and waits at most so long for the answer. Redirections are followed.
///
/// # Errors
/// Nobody answers, or somebody with another status than success; or the user wants the run to stop. Messages name the
/// host alone, because paths and queries of such URLs are secret.
pub fn post(url: &Url, body: Vec<u8>, access: &Access, patience: Duration) -> Result<()> {
    let host = url.host_str().unwrap_or_default().to_owned();
    let fail = |why: String| Error::failed(format!("{host} was not told: {why}"));
    let connector = Connector::new(access)?;
    let client = connector
        .following(url.scheme() == "http", patience)
        .map_err(|error| fail(error.without_url().to_string()))?;
    let runtime = Executor::new()?;
    // The client wants to be asked within the runtime.
    let answer = runtime.run(&access.interrupt, async {
        client
            .post(url.clone())
            .timeout(patience)
            .body(body)
            .send()
            .await
    })?;
    match answer {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(fail(format!("it answers {}", answer.status()))),
        Err(error) if error.is_timeout() => Err(fail("it does not answer".into())),
        Err(error) => {
            let error = error.without_url();
            let mut why = error.to_string();
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                why = inner.to_string();
                cause = inner.source();
            }
            Err(fail(why))
        }
    }
}
