//! `${env:NAME}` and `${self:key}` in values of `prisma.yml`. Only what the file says is filled in: what a variable of the
//! environment holds is taken as it is.

use std::collections::BTreeMap;

/// How often values are filled in that values bring.
const DEEPEST: usize = 8;
/// How many variables one value may have, with those of the values it brings.
const MOST: usize = 1000;
/// How many bytes a value may have.
const LONGEST: usize = 64 << 10;
/// The key whose value no message tells of.
const SECRET: &str = "secret";

/// The value of a key with its variables filled in.
///
/// # Errors
/// One is not known; the words say which, but of a secret.
pub(super) fn fill(
    key: &str,
    value: &str,
    variables: &BTreeMap<String, String>,
    own: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut filling = Filling {
        variables,
        own,
        left: MOST,
        out: String::new(),
    };
    filling.add(value, key == SECRET, 0)?;
    Ok(filling.out)
}

struct Filling<'a> {
    variables: &'a BTreeMap<String, String>,
    own: &'a dyn Fn(&str) -> Option<String>,
    left: usize,
    out: String,
}

impl Filling<'_> {
    fn add(&mut self, value: &str, is_secret: bool, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err("its variables go round in circles".into());
        }
        let mut rest = value;
        while let Some((before, behind)) = rest.split_once("${") {
            self.push(before)?;
            let (name, next) = behind
                .split_once('}')
                .ok_or("a `${` has no `}` behind it")?;
            self.left = self
                .left
                .checked_sub(1)
                .ok_or("it has too many variables")?;
            self.one(name, is_secret, depth)?;
            rest = next;
        }
        self.push(rest)
    }

    fn push(&mut self, text: &str) -> Result<(), String> {
        if self.out.len() + text.len() > LONGEST {
            return Err("it is too long with its variables".into());
        }
        self.out.push_str(text);
        Ok(())
    }

    fn one(&mut self, name: &str, is_secret: bool, depth: usize) -> Result<(), String> {
        let told = |what: String| match is_secret {
            true => "a variable in it is not set, or is neither ${env:NAME} nor ${self:key}".into(),
            false => what,
        };
        let name: String = name.chars().filter(|it| !it.is_whitespace()).collect();
        match name.split_once(':') {
            Some(("env", variable)) => {
                let value = self.variables.get(variable);
                self.push(value.ok_or_else(|| told(format!("the variable {variable} is not set")))?)
            }
            Some(("self", key)) => {
                let value = (self.own)(key);
                let value = value.ok_or_else(|| told(format!("there is no key {key}")))?;
                self.add(&value, is_secret || key == SECRET, depth + 1)
            }
            _ => Err(told(format!(
                "`${{{name}}}` is neither ${{env:NAME}} nor ${{self:key}}"
            ))),
        }
    }
}
