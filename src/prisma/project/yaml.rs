//! Reads `prisma.yml` as YAML. The parser goes down as deep as the text does, and takes an alias for all that it stands for:
//! so both are bounded before anything is made of the text.

use saphyr::{Yaml, YamlLoader};
use saphyr_parser::{Event, Parser};

/// How deep lists and mappings may stand in each other.
const DEEPEST: usize = 64;
/// How many nodes aliases may stand for in all.
const ALIASED: usize = 1000;

/// The documents of a text.
///
/// # Errors
/// It is no YAML, or too much of it; the words say why.
pub(super) fn load(text: &str) -> Result<Vec<Yaml<'_>>, String> {
    let mut depth = 0_usize;
    // Events come one by one, whatever stands in what.
    for event in Parser::new_from_str(text) {
        let (event, place) = event.map_err(|error| error.to_string())?;
        match event {
            Event::SequenceStart(..) | Event::MappingStart(..) => depth += 1,
            Event::SequenceEnd | Event::MappingEnd => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            let line = place.start.line();
            return Err(format!("it is nested too deep in line {line}"));
        }
    }
    let mut loader = YamlLoader::default();
    loader.alias_limit(ALIASED);
    Parser::new_from_str(text)
        .load(&mut loader, true)
        .map_err(|error| error.to_string())?;
    match loader.error() {
        Some(error) => Err(error.to_string()),
        None => Ok(loader.into_documents()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_repeated_to_the_end_of_a_file_ends_neither_the_stack_nor_the_memory() {
        let pieces = [
            "? ", "- ", ": ", "- ? ", "? - ", "? : ", "{", "[", "{[", "[?", "{? ", "{a: ", "[a: ",
            "[[a", "?\t", "-\t", "? ? : ", "!!x ", "&a ", "- &a ", "*a ", "|\n ", ">", "'", "\"",
            "%", "---\n", "a:\n", "\n- ", ",", "#", "\\", "<<: *a\n",
        ];
        for piece in pieces {
            for begin in ["", "a: ", "a: &a b\nc: ", "- "] {
                let text = format!("{begin}{}", piece.repeat(65_000 / piece.len()));
                drop(load(&text));
            }
        }
        for piece in ["? ", "- ", "- ? ", "{", "["] {
            let why = load(&piece.repeat(10_000)).expect_err(piece);
            let is_told =
                why.contains("nested too deep in line 1") || why.contains("recursion limit");
            assert!(is_told, "{piece}: {why}");
        }
        let deeper: Vec<String> = (0..300).map(|at| format!("{}a:", " ".repeat(at))).collect();
        let why = load(&deeper.join("\n")).expect_err("deeper with each line");
        assert!(why.contains("nested too deep in line 65"), "{why}");
    }

    #[test]
    fn aliases_stand_for_so_much_and_no_more() {
        let bombs = [
            (
                "a: &a [x,x,x,x,x,x,x,x,x,x]\n",
                "[*%,*%,*%,*%,*%,*%,*%,*%,*%,*%]",
            ),
            ("a: &a [x]\n", "[*%]"),
        ];
        for (first, next) in bombs {
            let mut text = first.to_owned();
            for at in 1..1000 {
                let before = if at == 1 {
                    "a".to_owned()
                } else {
                    format!("a{}", at - 1)
                };
                text += &format!("a{at}: &a{at} {}\n", next.replace('%', &before));
            }
            assert!(load(&text).is_err());
        }
        let long = format!("a: &a {}\nb: [{}]", "x".repeat(30_000), "*a,".repeat(9000));
        assert!(load(&long).is_err());
        let few = load("a: &a b\nc: *a\nd: [*a, *a]").expect("a few");
        let text = few[0].as_mapping_get("c").and_then(Yaml::as_str);
        assert_eq!(text, Some("b"));
    }

    #[test]
    fn dashes_in_texts_and_comments_are_no_nesting() {
        let text = format!(
            "# {0}\nendpoint: http://a # {0}\nnote: |\n  {0}[[[[\n",
            "- ".repeat(40)
        );
        assert_eq!(load(&text).map(|it| it.len()), Ok(1));
    }
}
