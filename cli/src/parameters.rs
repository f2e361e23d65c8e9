//! A kernel's parameters as a list for people, read off the JSON schema of its configuration.

use serde_json::{Map, Value};

/// One key of a configuration.
#[derive(Clone, PartialEq, Debug)]
pub struct Parameter {
    /// Path of the key; `[]` stands for the entries of a list: `layers[].relu`.
    pub key: String,
    /// What is accepted: `integer`, `boolean`, `string`, or the accepted words.
    pub accepted: String,
    /// The default in JSON, `required` if there is none, or `optional`; for what is chosen from the tensors, words that say so.
    pub default: String,
    /// Meaning and unit.
    pub meaning: String,
}

/// The parameters in the order of the schema, those of tables and list entries after their own.
pub fn parameters(schema: &schemars::Schema) -> Vec<Parameter> {
    let root = schema.as_value();
    let mut list = Vec::new();
    if let Some(object) = root.as_object() {
        Walk { root }.table("", object, &mut list);
    }
    list
}

struct Walk<'a> {
    root: &'a Value,
}

impl Walk<'_> {
    fn table(&self, prefix: &str, schema: &Map<String, Value>, list: &mut Vec<Parameter>) {
        let required = |key: &str| strings(schema, "required").any(|name| name == key);
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let Some(property) = property.as_object() else { continue };
            let resolved = self.resolve(property);
            let description = property.get("description").or_else(|| resolved.get("description"));
            let key = format!("{prefix}{name}");
            list.push(Parameter {
                key: key.clone(),
                accepted: self.accepted(resolved),
                default: match property.get("default") {
                    // What is chosen from the tensors has no value that a schema could state.
                    _ if property.contains_key("x-default") => property["x-default"].as_str().unwrap_or_default().to_string(),
                    Some(Value::Null) => "optional".into(),
                    // The keys of the table have defaults of their own.
                    Some(Value::Object(_)) if resolved.contains_key("properties") => String::new(),
                    Some(default) => default.to_string(),
                    None if required(name) => "required".into(),
                    None => "optional".into(),
                },
                meaning: description.and_then(Value::as_str).unwrap_or_default().replace('\n', " "),
            });
            match resolved.get("items").and_then(Value::as_object) {
                Some(items) => self.table(&format!("{key}[]."), self.resolve(items), list),
                None => self.table(&format!("{key}."), resolved, list),
            }
        }
    }

    /// Follows references and looks through `null` alternatives. Bounded, because a schema may refer to itself.
    fn resolve<'a>(&'a self, schema: &'a Map<String, Value>) -> &'a Map<String, Value> {
        let mut here = schema;
        for _ in 0..8 {
            let reference = here.get("$ref").and_then(Value::as_str).and_then(|path| self.root.pointer(path.strip_prefix('#')?));
            let real = alternatives(here).filter(|option| option.get("type").is_none_or(|kind| kind != "null"));
            let mut real = real.fuse();
            let only = real.next().filter(|_| real.next().is_none());
            match reference.and_then(Value::as_object).or(only) {
                Some(next) => here = next,
                None => break,
            }
        }
        here
    }

    /// One of several forms; a table shows its keys, because it has no entries of its own in the list.
    fn alternative(&self, schema: &Map<String, Value>) -> String {
        match schema.get("properties").and_then(Value::as_object) {
            Some(properties) => {
                let keys: Vec<String> = properties
                    .iter()
                    .filter_map(|(key, value)| Some(format!("{key} = {}", self.alternative(self.resolve(value.as_object()?)))))
                    .collect();
                format!("{{ {} }}", keys.join(", "))
            }
            None => self.accepted(schema),
        }
    }

    fn accepted(&self, schema: &Map<String, Value>) -> String {
        let words: Vec<&str> = strings(schema, "enum").chain(schema.get("const").and_then(Value::as_str)).collect();
        if !words.is_empty() {
            return words.join(", ");
        }
        let options: Vec<String> = alternatives(schema).map(|option| self.alternative(self.resolve(option))).collect();
        if !options.is_empty() {
            return options.join(", ");
        }
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Value::String(kind)) => vec![kind],
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter(|&kind| kind != "null").collect(),
            _ => vec!["any"],
        };
        let named = |kind: &str| match kind {
            "object" => "table".to_string(),
            "array" => match schema.get("items").and_then(Value::as_object) {
                Some(items) => format!("list of {}", self.accepted(self.resolve(items))),
                None => "list".to_string(),
            },
            other => other.to_string(),
        };
        kinds.into_iter().map(named).collect::<Vec<_>>().join(" or ")
    }
}

fn alternatives(schema: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let of = |name: &str| schema.get(name).and_then(Value::as_array).into_iter().flatten();
    of("anyOf").chain(of("oneOf")).filter_map(Value::as_object)
}

fn strings<'a>(schema: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a str> {
    schema.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, schema_for};
    use serde::{Deserialize, Serialize};

    use super::*;

    /// Which operand stays.
    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Dataflow {
        /// The weights.
        WeightStationary,
        /// The sums.
        OutputStationary,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[allow(dead_code, reason = "only its schema is of interest")]
    struct Settings {
        /// Rows of the array.
        rows: u32,
        #[serde(default = "words")]
        words: Dataflow,
        limit: Option<u64>,
        #[schemars(extend("x-default" = "from the data"))]
        bits: Option<u8>,
        layers: Vec<Layer>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Layer {
        /// Whether negative results become 0.
        #[serde(default)]
        relu: bool,
        inner: Option<Inner>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Inner {
        bits: u8,
        #[serde(default)]
        pattern: Pattern,
    }

    #[derive(Serialize, Deserialize, JsonSchema, Default)]
    #[serde(rename_all = "kebab-case")]
    enum Pattern {
        #[default]
        Always,
        Bursts {
            run: u32,
        },
    }

    fn words() -> Dataflow {
        Dataflow::WeightStationary
    }

    #[test]
    fn every_key_is_listed_with_what_it_accepts_and_its_default() {
        let list = parameters(&schema_for!(Settings));
        let lines: Vec<String> = list.iter().map(|p| format!("{} | {} | {} | {}", p.key, p.accepted, p.default, p.meaning)).collect();
        for line in [
            "rows | integer | required | Rows of the array.",
            "words | weight-stationary, output-stationary | \"weight-stationary\" | Which operand stays.",
            "limit | integer | optional | ",
            "bits | integer | from the data | ",
            "layers | list of table | required | ",
            "layers[].relu | boolean | false | Whether negative results become 0.",
            "layers[].inner | table | optional | ",
            "layers[].inner.bits | integer | required | ",
            "layers[].inner.pattern | always, { bursts = { run = integer } } | \"always\" | ",
        ] {
            assert!(lines.contains(&line.to_string()), "{line} is not in {lines:#?}");
        }
        assert_eq!(lines.len(), 9);
    }
}
