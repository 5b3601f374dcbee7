//! Turns every folder under `src/faults` into a module, a variant and a registry entry.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let faults = steadfast_folders::Collection {
        root: "src/faults",
        item: "crate::Fault",
        noun: "fault",
        spec: "FaultSpec",
        entry: "FaultKind",
        registry: "FAULTS",
    };
    Ok(faults.generate("faults.rs")?)
}
