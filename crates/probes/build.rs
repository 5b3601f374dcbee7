//! Turns every folder under `src/probes` into a module, a variant and a registry entry.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let probes = steadfast_folders::Collection {
        root: "src/probes",
        item: "crate::Probe",
        noun: "probe",
        spec: "ProbeSpec",
        entry: "ProbeKind",
        registry: "PROBES",
    };
    Ok(probes.generate("probes.rs")?)
}
