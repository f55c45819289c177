//! A service that holds so many nodes that they are made when they are asked for, and of what it is sent keeps what says
//! whether all of it came once.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// What the ids begin with of what goes through.
const OWN: char = 'n';

/// Posts and comments in turn; every post has a comment, and every tenth node has tags.
#[derive(Clone)]
pub struct Generated {
    nodes: usize,
    /// What the ids begin with of what it holds.
    sign: char,
    /// Whether each element of nodes, lists and relations came.
    came: [Vec<bool>; 3],
    twice: u64,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, rename = "valueType")]
    kind: &'a str,
    #[serde(borrow)]
    values: Vec<&'a RawValue>,
}

impl Generated {
    pub fn new(nodes: usize) -> Generated {
        let counts = [nodes, nodes / 10, nodes / 2];
        Generated {
            nodes,
            sign: OWN,
            came: counts.map(|count| vec![false; count]),
            twice: 0,
        }
    }

    /// The same, which holds as much under other ids.
    pub fn of_others(self) -> Generated {
        Generated { sign: 'm', ..self }
    }

    /// Whether all of it came, and nothing twice.
    pub fn is_whole(&self) -> bool {
        self.twice == 0 && self.came.iter().flatten().all(|came| *came)
    }

    fn element(sign: char, kind: usize, at: usize) -> String {
        match (kind, at % 2) {
            (0, 0) => format!(
                "{{\"_typeName\":\"Post\",\"id\":\"{sign}{at}\",\"title\":\"The post of this number: {at}\",\"description\":\"{}\",\"state\":\"Published\"}}",
                "Lorem ipsum dolor sit amet. ".repeat(4)
            ),
            (0, _) => format!(
                "{{\"_typeName\":\"Comment\",\"id\":\"{sign}{at}\",\"text\":\"What somebody says of it, which is {at}\"}}"
            ),
            (1, _) => format!(
                "{{\"_typeName\":\"Post\",\"id\":\"{sign}{}\",\"tags\":[\"a\",\"b\",\"{at}\"]}}",
                at * 10
            ),
            (_, _) => format!(
                "[{{\"_typeName\":\"Post\",\"id\":\"{sign}{}\",\"fieldName\":\"comments\"}},{{\"_typeName\":\"Comment\",\"id\":\"{sign}{}\",\"fieldName\":\"post\"}}]",
                at * 2,
                at * 2 + 1
            ),
        }
    }

    fn kind(name: &str) -> usize {
        ["nodes", "lists", "relations"]
            .iter()
            .position(|it| *it == name)
            .unwrap_or(2)
    }

    pub fn export(&self, body: &Value, page: usize) -> String {
        let kind = Generated::kind(body["fileType"].as_str().unwrap_or_default());
        let count = [self.nodes, self.nodes / 10, self.nodes / 2][kind];
        let mut row = body["cursor"]["row"].as_u64().unwrap_or_default() as usize;
        let mut out = String::from("{\"out\":{\"jsonElements\":[");
        let begin = out.len();
        while row < count {
            let element = Generated::element(self.sign, kind, row);
            if out.len() > begin {
                if out.len() - begin + element.len() > page {
                    break;
                }
                out.push(',');
            }
            out.push_str(&element);
            row += 1;
        }
        let size = out.len() - begin;
        let cursor = match row < count {
            true => json!({"table": 0, "row": row, "field": 0, "array": 0}),
            false => json!({"table": -1, "row": -1, "field": -1, "array": -1}),
        };
        out + &format!(
            "],\"size\":{size}}},\"cursor\":{cursor},\"isFull\":{}}}",
            row < count
        )
    }

    pub fn import(&mut self, body: &str) -> String {
        let body: Body<'_> = serde_json::from_str(body).expect("a file");
        let kind = Generated::kind(body.kind);
        for value in body.values {
            // The first id says which it is.
            let text = value.get();
            let digits = text.split("\"id\":\"n").nth(1).unwrap_or_default();
            let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
            let id: usize = digits.parse().expect("an id");
            let at = id / [1, 10, 2][kind];
            assert_eq!(text, Generated::element(OWN, kind, at));
            self.twice += u64::from(std::mem::replace(&mut self.came[kind][at], true));
        }
        "[]".into()
    }
}
