//! The tensors that a run gives: what came out of the hardware, element by element.

use ndarray::{Array2, ArrayD};
use serde::{Serialize, Serializer};
use systole_hdl::Type;

use super::attachment::plain;

/// An output tensor as the hardware gave it. Serialises as its name, shape, format and scale; the elements go into a file, which the host
/// writes.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct OutputTensor {
    name: String,
    #[serde(rename = "shape", serialize_with = "shape_of")]
    raw: ArrayD<i64>,
    #[serde(rename = "format", serialize_with = "written")]
    ty: Type,
    scale: Option<f64>,
}

fn shape_of<S: Serializer>(raw: &ArrayD<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    raw.shape().serialize(serializer)
}

fn written<S: Serializer>(ty: &Type, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(ty)
}

impl OutputTensor {
    /// The output `tensor` of a part of the work, such as `c` of `layer 0`: its raw numbers, each of type `ty`, and the real value of a raw 1.
    /// `scale` is `None` where the numbers are counts or patterns of bits.
    pub fn new(part: &str, tensor: &str, raw: Array2<i64>, ty: Type, scale: Option<f64>) -> OutputTensor {
        OutputTensor { name: format!("{}.{tensor}", identifier(part)), raw: raw.into_dyn(), ty, scale }
    }

    /// The name, such as `layer0.c`: letters and digits of ASCII, `-`, `_` and `.`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same tensor under another name.
    pub fn renamed(self, name: &str) -> OutputTensor {
        OutputTensor { name: plain(name), ..self }
    }

    /// The raw numbers, in units of the last place.
    pub fn raw(&self) -> &ArrayD<i64> {
        &self.raw
    }

    /// The hardware type of an element.
    pub fn ty(&self) -> Type {
        self.ty
    }

    /// Real value of a raw 1; `None` where the numbers stand for themselves.
    pub fn scale(&self) -> Option<f64> {
        self.scale
    }

    /// The real values, raw · scale in double precision; `None` where the numbers stand for themselves.
    pub fn real(&self) -> Option<ArrayD<f64>> {
        self.scale.map(|scale| self.raw.mapv(|raw| raw as f64 * scale))
    }
}

/// Gives a number to names that an earlier tensor has: `layer0.c`, `layer0.c-2`. Names of parts may differ in characters that an
/// identifier does not have.
pub fn with_names_of_their_own(mut outputs: Vec<OutputTensor>) -> Vec<OutputTensor> {
    for index in 1..outputs.len() {
        let (earlier, rest) = outputs.split_at_mut(index);
        let taken = |name: &str| earlier.iter().any(|output| output.name.eq_ignore_ascii_case(name));
        let name = &mut rest[0].name;
        let free = (2..).map(|number| format!("{name}-{number}")).find(|name| !taken(name));
        if let Some(free) = free.filter(|_| taken(name)) {
            *name = free;
        }
    }
    outputs
}

/// The name of a part as an identifier: words joined by `_`, a number directly to the word before it.
fn identifier(part: &str) -> String {
    let mut joined = String::new();
    for word in part.split_whitespace() {
        let number = word.bytes().all(|byte| byte.is_ascii_digit());
        if !joined.is_empty() && !number {
            joined.push('_');
        }
        joined.push_str(word);
    }
    plain(&joined)
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    fn output(part: &str) -> OutputTensor {
        OutputTensor::new(part, "c", array![[1, -2]], Type::s(8), Some(0.5))
    }

    #[test]
    fn names_are_made_of_the_parts_names() {
        for (part, name) in [("layer 0", "layer0.c"), ("layer 1 2:4", "layer1_2-4.c"), ("ffn up", "ffn_up.c"), ("../x", "---x.c")] {
            assert_eq!(output(part).name(), name);
        }
    }

    #[test]
    fn no_two_tensors_share_a_name() {
        let outputs = ["a:b", "a-b", "A b", "a b", "a:b"].map(output).into();
        let outputs = with_names_of_their_own(outputs);
        let names: Vec<&str> = outputs.iter().map(OutputTensor::name).collect();
        assert_eq!(names, ["a-b.c", "a-b.c-2", "A_b.c", "a_b.c-2", "a-b.c-3"]);
    }

    #[test]
    fn the_report_holds_everything_but_the_elements() {
        let json = serde_json::to_string(&output("layer 0")).unwrap();
        assert_eq!(json, r#"{"name":"layer0.c","shape":[1,2],"format":"s8","scale":0.5}"#);
    }

    #[test]
    fn real_values_are_multiples_of_the_scale() {
        assert_eq!(output("layer 0").real(), Some(array![[0.5, -1.0]].into_dyn()));
        assert_eq!(OutputTensor::new("weights", "masks", array![[7]], Type::u(16), None).real(), None);
    }
}
