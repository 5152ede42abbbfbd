//! A graph that grows node by node.

use super::messages::{
    AttributeProto, AttributeType, DataType, Dimension, Extent, GraphProto, NodeProto, TensorProto, TensorShapeProto,
    TensorType, TypeProto, ValueInfoProto,
};

/// The domain of the operators on strings.
pub(super) const ML: &str = "ai.onnx.ml";

/// A graph under construction. Values go by their names; a name of the graph's own never is one of the inputs'.
#[derive(Default)]
pub(super) struct Graph {
    graph: GraphProto,
    made: usize,
}

impl Graph {
    /// Adds an input of shape (N, 1).
    pub(super) fn input(&mut self, name: &str, holds: DataType) {
        self.graph.input.push(value(name, holds, &[None, Some(1)]));
    }

    fn name(&mut self) -> String {
        loop {
            self.made += 1;
            let name = format!("_{}", self.made);
            if self.graph.input.iter().all(|input| input.name != name) {
                return name;
            }
        }
    }

    /// Adds a node of one output.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str]) -> String {
        self.node_with(op, inputs, Vec::new())
    }

    /// Adds a node of one output with attributes; those with strings are in the domain of operators on strings.
    pub(super) fn node_with(&mut self, op: &str, inputs: &[&str], attribute: Vec<AttributeProto>) -> String {
        let output = self.name();
        self.graph.node.push(NodeProto {
            input: inputs.iter().map(|name| (*name).to_string()).collect(),
            output: vec![output.clone()],
            op_type: op.to_string(),
            attribute,
            domain: if op == "LabelEncoder" { ML.to_string() } else { String::new() },
        });
        output
    }

    /// Adds numbers.
    pub(super) fn numbers(&mut self, dims: &[usize], double_data: Vec<f64>) -> String {
        self.tensor(dims, DataType::Double, |tensor| tensor.double_data = double_data)
    }

    /// Adds one number.
    pub(super) fn number(&mut self, number: f64) -> String {
        self.numbers(&[1, 1], vec![number])
    }

    /// Adds whole numbers.
    pub(super) fn whole(&mut self, dims: &[usize], int64_data: Vec<i64>) -> String {
        self.tensor(dims, DataType::Int64, |tensor| tensor.int64_data = int64_data)
    }

    /// Adds words.
    pub(super) fn words(&mut self, dims: &[usize], words: Vec<String>) -> String {
        let bytes = words.into_iter().map(String::into_bytes).collect();
        self.tensor(dims, DataType::String, |tensor| tensor.string_data = bytes)
    }

    fn tensor(&mut self, dims: &[usize], holds: DataType, fill: impl FnOnce(&mut TensorProto)) -> String {
        let name = self.name();
        let dims = dims.iter().map(|&size| size as i64).collect();
        let mut tensor = TensorProto { dims, data_type: holds.into(), name: name.clone(), ..TensorProto::default() };
        fill(&mut tensor);
        self.graph.initializer.push(tensor);
        name
    }

    /// Calls a value by a name of the user's and makes it an output; a width of none is that of a vector.
    pub(super) fn output(&mut self, from: &str, name: &str, holds: DataType, width: Option<i64>) {
        let op = "Identity".to_string();
        let (input, output) = (vec![from.to_string()], vec![name.to_string()]);
        self.graph.node.push(NodeProto { input, output, op_type: op, ..NodeProto::default() });
        let shape: Vec<Option<i64>> = std::iter::once(None).chain(width.map(Some)).collect();
        self.graph.output.push(value(name, holds, &shape));
    }

    /// The finished graph.
    pub(super) fn finish(self, name: &str) -> GraphProto {
        GraphProto { name: name.to_string(), ..self.graph }
    }
}

/// An attribute that is a whole number.
pub(super) fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto { name: name.to_string(), i, r#type: AttributeType::Int.into(), ..AttributeProto::default() }
}

/// An attribute that is a list of whole numbers.
pub(super) fn ints(name: &str, ints: Vec<i64>) -> AttributeProto {
    AttributeProto { name: name.to_string(), ints, r#type: AttributeType::Ints.into(), ..AttributeProto::default() }
}

/// An attribute that is a list of words.
pub(super) fn strings(name: &str, words: Vec<String>) -> AttributeProto {
    let strings = words.into_iter().map(String::into_bytes).collect();
    AttributeProto {
        name: name.to_string(),
        strings,
        r#type: AttributeType::Strings.into(),
        ..AttributeProto::default()
    }
}

fn value(name: &str, holds: DataType, shape: &[Option<i64>]) -> ValueInfoProto {
    let dim = |size: &Option<i64>| Dimension {
        value: Some(size.map_or_else(|| Extent::Name("N".to_string()), Extent::Size)),
    };
    let shape = TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = TensorType { elem_type: holds.into(), shape: Some(shape) };
    ValueInfoProto { name: name.to_string(), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}
