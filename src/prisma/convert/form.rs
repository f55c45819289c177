//! Values of Strapi as Prisma's scalars.

use crate::model::{Fields, Scalar, elements};
use crate::prisma::sdl;
use crate::prisma::verify;

/// Which scalar holds the values of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// `String`.
    Text,
    /// An enum with these values.
    Enum {
        /// The name of the enum.
        name: String,
        /// Its values.
        values: Vec<String>,
    },
    /// `Int`: 32 bits.
    Int,
    /// `Float`.
    Float,
    /// `Boolean`.
    Boolean,
    /// `DateTime`, with milliseconds, in UTC.
    DateTime,
    /// `Json`.
    Json,
}

/// How a value gets into a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Plain,
    /// In an object: the official CLI takes no texts, numbers and booleans for JSON.
    Wrapped,
    /// Not at all.
    None,
}

impl Form {
    /// The one for attributes of this kind that are no enumerations.
    pub fn of(scalar: Scalar) -> Self {
        match scalar {
            // A service would round numbers of 64 bits, and has no dates without a time.
            Scalar::Text | Scalar::BigInteger | Scalar::Date | Scalar::Time | Scalar::Timestamp => {
                Self::Text
            }
            Scalar::Json => Self::Json,
            Scalar::Integer => Self::Int,
            Scalar::Float | Scalar::Decimal => Self::Float,
            Scalar::Boolean => Self::Boolean,
            Scalar::DateTime => Self::DateTime,
        }
    }

    /// Whether a value fits, which is JSON and not `null`.
    pub fn fits(&self, value: &str) -> Fit {
        let fits = match self {
            Self::Json => {
                return match value.starts_with(['{', '[']) {
                    true => Fit::Plain,
                    false => Fit::Wrapped,
                };
            }
            Self::Text => value.starts_with('"'),
            Self::Enum { values, .. } => {
                serde_json::from_str::<String>(value).is_ok_and(|own| values.contains(&own))
            }
            Self::Int => value.parse::<i32>().is_ok(),
            Self::Float => value.parse::<f64>().is_ok_and(f64::is_finite),
            Self::Boolean => matches!(value, "true" | "false"),
            Self::DateTime => is_instant(value),
        };
        match fits {
            true => Fit::Plain,
            false => Fit::None,
        }
    }
}

/// Whether a value is a time like `"2026-11-20T15:28:46.121Z"`: no other form is taken by both the official CLI and the server.
fn is_instant(value: &str) -> bool {
    const LIKE: &[u8] = b"\"0000-00-00T00:00:00.000Z\"";
    value.len() == LIKE.len()
        && value.bytes().zip(LIKE).all(|(own, like)| match like {
            b'0' => own.is_ascii_digit(),
            like => own == *like,
        })
        && verify::fits(sdl::Scalar::DateTime, value)
}

/// The values of an enumeration, if all of them are names that an enum of Prisma takes: those begin with a capital.
pub fn enum_values(attribute: &Fields<'_>) -> Option<Vec<String>> {
    let mut values: Vec<String> = Vec::new();
    for value in elements(attribute.get("enum")?).ok()? {
        let value: String = serde_json::from_str(value).ok()?;
        let is_name = value.starts_with(|it: char| it.is_ascii_uppercase())
            && value
                .bytes()
                .all(|it| it.is_ascii_alphanumeric() || it == b'_')
            && value.len() <= 191;
        if !is_name || values.contains(&value) {
            return None;
        }
        values.push(value);
    }
    (!values.is_empty()).then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_either_end_would_refuse_do_not_fit() {
        for (form, value, fit) in [
            (Form::Text, "\"a\"", Fit::Plain),
            (Form::Text, "1", Fit::None),
            (Form::Int, "-2147483648", Fit::Plain),
            (Form::Int, "2147483648", Fit::None),
            (Form::Int, "1.0", Fit::None),
            (Form::Float, "1e300", Fit::Plain),
            (Form::Float, "\"1\"", Fit::None),
            (Form::DateTime, "\"2026-11-20T15:28:46.121Z\"", Fit::Plain),
            (Form::DateTime, "\"9999-12-31T23:59:59.999Z\"", Fit::Plain),
            (Form::DateTime, "\"2026-02-30T15:28:46.121Z\"", Fit::None),
            (Form::DateTime, "\"2026-11-20T15:28:46Z\"", Fit::None),
            (Form::DateTime, "\"2026-11-20\"", Fit::None),
            (Form::Boolean, "1", Fit::None),
            (Form::Json, "[1]", Fit::Plain),
            (Form::Json, "\"a\"", Fit::Wrapped),
        ] {
            assert_eq!(form.fits(value), fit, "{form:?} {value}");
        }
    }

    #[test]
    fn enumerations_become_enums_where_all_values_are_names() {
        let values = |text: &str| enum_values(&Fields::parse(text).expect("an object"));
        assert_eq!(
            values(r#"{"enum":["Draft","DONE_2"]}"#),
            Some(vec!["Draft".to_owned(), "DONE_2".to_owned()])
        );
        for other in [
            r#"{"enum":["Draft","so-so"]}"#,
            r#"{"enum":["sad"]}"#,
            "{}",
            r#"{"enum":[]}"#,
        ] {
            assert_eq!(values(other), None, "{other}");
        }
    }
}
