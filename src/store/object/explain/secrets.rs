//! What of a store's words is not told.

/// What stands before something that is kept secret, or tells whose it is.
const NAMES: [&str; 10] = [
    "credential",
    "signature",
    "awsaccesskeyid",
    "googleaccessid",
    "security-token",
    "sharedkey",
    "bearer",
    "authorization",
    "sig",
    "aws",
];

/// A text of a store without the parts of a request that show who has signed it: some stores give back what they were
/// sent.
pub(super) fn without_secrets(text: &str) -> String {
    let is_name = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let ends_value =
        |it: char| it.is_whitespace() || matches!(it, ',' | '&' | ';' | '"' | '\'' | '<' | '>');
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_name) {
        let name = &rest[start..];
        let name = &name[..name.find(|it| !is_name(it)).unwrap_or(name.len())];
        let after = start + name.len();
        kept.push_str(&rest[..after]);
        rest = &rest[after..];
        let lower = name.to_ascii_lowercase();
        let lower = lower.trim_start_matches("x-amz-");
        let separators = rest.len() - rest.trim_start_matches(['=', ':', ' ', '"', '\'']).len();
        if !NAMES.contains(&lower) || separators == 0 {
            continue;
        }
        let between = &rest[..separators];
        let length = rest[separators..].find(ends_value);
        let value = &rest[separators..][..length.unwrap_or(rest.len() - separators)];
        let is_set = between.contains(['=', ':'])
            || matches!(lower, "bearer" | "sharedkey")
            || (lower == "aws" && value.contains(':'));
        if !is_set {
            continue;
        }
        kept.push_str(between);
        rest = &rest[separators..];
        // The scheme stands before what it is about.
        if lower == "authorization" && !value.contains(['=', ':', '/']) {
            continue;
        }
        kept.push_str("...");
        rest = &rest[value.len()..];
    }
    kept + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_was_signed_with_is_not_told() {
        for (text, told) in [
            (
                "bad Authorization: AWS4-HMAC-SHA256 Credential=AKIDSECRET/20261122/x/s3/aws4_request, \
                 SignedHeaders=host;x-amz-date, Signature=c0ffee, sorry",
                "bad Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=host;x-amz-date, Signature=..., sorry",
            ),
            (
                "GET /b?X-Amz-Credential=AKID%2Fx&amp;X-Amz-Signature=c0ffee&amp;x=1",
                "GET /b?X-Amz-Credential=...&amp;X-Amz-Signature=...&amp;x=1",
            ),
            (
                "?AWSAccessKeyId=AKIDSECRET&Signature=a%2Fb=&Expires=1",
                "?AWSAccessKeyId=...&Signature=...&Expires=1",
            ),
            ("Authorization: AWS AKID:c0ffee=", "Authorization: AWS ..."),
            ("Authorization: Bearer c0ffee", "Authorization: Bearer ..."),
            (
                "Authorization: SharedKey a:b",
                "Authorization: SharedKey ...",
            ),
            (
                r#"{"Signature": "c0ffee", "x": 1}"#,
                r#"{"Signature": "...", "x": 1}"#,
            ),
            ("?sv=1&sig=c0ffee", "?sv=1&sig=..."),
            (
                "X-Amz-Security-Token=c0ffee ok",
                "X-Amz-Security-Token=... ok",
            ),
            (
                "The request signature we calculated does not match; check your AWS key, ünd x.",
                "The request signature we calculated does not match; check your AWS key, ünd x.",
            ),
        ] {
            assert_eq!(without_secrets(text), told);
        }
    }
}
