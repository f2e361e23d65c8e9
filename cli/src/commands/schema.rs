//! `systole schema`: the JSON schema of configurations.

use std::path::Path;

use serde_json::{Value, json};
use systole_kernels::kernel::Kernel;
use systole_kernels::registry::{KERNELS, find};

use crate::arguments::SchemaArguments;
use crate::failure::{Failure, message_with_help};
use crate::output::{OutputFolder, print};

/// Prints or writes the schema of one kernel's configuration, or of all.
pub fn schema(arguments: &SchemaArguments) -> Result<(), Failure> {
    let document = match &arguments.kernel {
        Some(name) => {
            let kernel = find(name).map_err(|error| Failure::Input(message_with_help(error.message, error.remedy.unwrap_or_default())))?;
            of_kernel(kernel)
        }
        None => of_all(),
    };
    let text = format!("{document:#}\n");
    let Some(path) = &arguments.out else { return print(&text) };
    let Some(name) = path.file_name() else {
        return Err(Failure::input(format!("{} is not the name of a file", path.display()), "write it like --out systole.schema.json"));
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    OutputFolder::make(folder.to_path_buf())?.write(name, text.as_bytes())?;
    Ok(())
}

/// The kernel's own schema and the key that chooses it.
fn of_kernel(kernel: &dyn Kernel) -> Value {
    let mut schema = kernel.schema().to_value();
    schema["properties"]["kernel"] = json!({ "const": kernel.name(), "description": kernel.summary() });
    match schema.get_mut("required").and_then(Value::as_array_mut) {
        Some(required) => required.insert(0, json!("kernel")),
        None => schema["required"] = json!(["kernel"]),
    }
    schema
}

/// One alternative a kernel. Each keeps its own definitions, so that equal names in two kernels do not meet.
fn of_all() -> Value {
    let alternatives: Vec<Value> = KERNELS
        .iter()
        .map(|&kernel| {
            let mut schema = of_kernel(kernel);
            // An `$id` makes the references inside an alternative start from it.
            schema["$id"] = json!(format!("systole:{}", kernel.name()));
            schema
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A configuration of Systole",
        "oneOf": alternatives,
    })
}
