//! `${env:NAME}` and `${self:key}` in values of `prisma.yml`.

use std::collections::BTreeMap;

/// How often values are filled in that values bring.
const ROUNDS: usize = 8;

/// A value with its variables filled in.
///
/// # Errors
/// One is not known; the words say which.
pub(super) fn fill(
    value: &str,
    variables: &BTreeMap<String, String>,
    own: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut value = value.to_owned();
    for _ in 0..ROUNDS {
        let Some(start) = value.find("${") else {
            return Ok(value);
        };
        let mut out = String::with_capacity(value.len());
        out.push_str(&value[..start]);
        let mut rest = &value[start..];
        while let Some(inner) = rest.strip_prefix("${") {
            let (name, behind) = inner.split_once('}').ok_or("a `${` has no `}` behind it")?;
            out.push_str(&one(name, variables, own)?);
            let next = behind.find("${").unwrap_or(behind.len());
            out.push_str(&behind[..next]);
            rest = &behind[next..];
        }
        value = out;
    }
    Err("its variables go round in circles".into())
}

fn one(
    name: &str,
    variables: &BTreeMap<String, String>,
    own: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let name: String = name.chars().filter(|it| !it.is_whitespace()).collect();
    match name.split_once(':') {
        Some(("env", variable)) => variables
            .get(variable)
            .cloned()
            .ok_or_else(|| format!("the variable {variable} is not set")),
        Some(("self", key)) => own(key).ok_or_else(|| format!("there is no key {key}")),
        _ => Err(format!(
            "`${{{name}}}` is neither ${{env:NAME}} nor ${{self:key}}"
        )),
    }
}
