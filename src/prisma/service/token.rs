//! The token that says who asks: a JWT, signed with the service's secret (HS256).

use super::super::project::Secret;
use super::Endpoint;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::json;
use sha2::Sha256;

/// How long a token is good for, in seconds: as long as those of Prisma's own command line.
const LIFE: i64 = 7 * 24 * 60 * 60;

/// A token for an administrator of a service.
pub(super) fn token(secret: &Secret, endpoint: &Endpoint, now: Timestamp) -> String {
    let (service, stage) = endpoint.service();
    let issued = now.as_second();
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let payload = json!({
        "data": {"service": format!("{service}@{stage}"), "roles": ["admin"]},
        "iat": issued,
        "exp": issued + LIFE,
    });
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let signed = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(payload.to_string().as_bytes())
    );
    let mut hmac: Hmac<Sha256> =
        KeyInit::new_from_slice(secret.reveal().as_bytes()).expect("HMAC takes keys of any length");
    hmac.update(signed.as_bytes());
    format!("{signed}.{}", encode(&hmac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_one_that_jsonwebtoken_makes() {
        let endpoint = Endpoint::parse("http://a/svc/dev").expect("an endpoint");
        let now = Timestamp::from_second(1_500_000_000).expect("a moment");
        let made = token(&Secret::new("my-secret"), &endpoint, now);
        let parts: Vec<&str> = made.split('.').collect();
        let decoded = |at: usize| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(parts[at]).expect("base64");
            String::from_utf8(bytes).expect("text")
        };
        assert_eq!(decoded(0), r#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(
            decoded(1),
            r#"{"data":{"service":"svc@dev","roles":["admin"]},"iat":1500000000,"exp":1500604800}"#
        );
        // node -e 'const c=require("crypto"); console.log(c.createHmac("sha256","my-secret").update(SIGNED).digest("base64url"))'
        assert_eq!(parts[2], "nz4fYxHZ7iOVTHUk7w4V07z_VSFBWBSbr_p6KJszzZs");
    }
}
