//! Where a search for bad inputs begins: good ones, from the examples and pages of this repository, and known traps.

use std::{
    fs,
    path::{Path, PathBuf},
};

mod dns_message;
mod http1;
mod http2;
mod scrape;

/// The seeds of a target: a name and the bytes. In the same order every time.
///
/// # Panics
/// Without the repository around this crate, or for a name that is no target's.
#[must_use]
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    if target == "dns_message" {
        let named = |(number, bytes): (usize, &&[u8])| (format!("message-{number}"), bytes.to_vec());
        return dns_message::MESSAGES.iter().enumerate().map(named).collect();
    }
    let texts = match target {
        "document" => documents(),
        "openslo" => slos(),
        "verdict" => numbered("verdicts", blocks("docs/verdicts.md", "```json\n")),
        "scrape" => numbered("page", scrape::PAGES.iter().map(|&page| page.to_owned()).collect()),
        "http1" => numbered("bytes", http1::BYTES.iter().map(|&bytes| bytes.to_owned()).collect()),
        "http2" => numbered("frames", http2::FRAMES.iter().map(|frames| frames.concat()).collect()),
        other => panic!("there is no target `{other}`"),
    };
    texts.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

fn documents() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for path in files("examples", "yaml") {
        all.push((name(&path), read(&path)));
    }
    for path in folders("crates/faults/src/faults") {
        let (name, step) = (name(&path), read(&path.join("example.yaml")));
        let step = step.lines().map(|line| format!("        {line}\n")).collect::<String>();
        let state = "    - http: { name: up, url: 'http://127.0.0.1:1/', tolerance: { absolute: 1% } }\n";
        all.push((name, experiment(state, &format!("    - inject:\n{step}"))));
    }
    for path in folders("crates/probes/src/probes") {
        let (name, probe) = (name(&path), read(&path.join("example.yaml")));
        let indented =
            probe.lines().filter(|line| !line.starts_with('#')).map(|line| format!("      {line}\n"));
        let state = indented.collect::<String>().replacen("      ", "    - ", 1);
        let step = "    - inject: { fault: { processPause: {} }, into: { service: risk }, for: 20s }\n";
        all.push((name, experiment(&state, step)));
    }
    all.extend(numbered("experiment", blocks("docs/experiment.md", "```yaml\n")));
    all
}

fn experiment(steady_state: &str, method: &str) -> String {
    format!(
        "apiVersion: steadfast.dev/v1alpha1\nkind: Experiment\nmetadata: {{ name: seed }}\nspec:\n  \
         steadyState:\n{steady_state}  method:\n{method}"
    )
}

fn slos() -> Vec<(String, String)> {
    let demo = read(&root().join("crates/demo/documents/slos.yaml"));
    let mut all = numbered("demo", demo.split("---\n").map(str::to_owned).collect());
    all.push(("demo".to_owned(), demo.clone()));
    let documents = blocks("docs/experiment.md", "```yaml\n");
    all.extend(numbered("docs", documents.into_iter().filter(|text| text.contains("openslo/v1")).collect()));
    // An SLI by itself, and an SLO that names it.
    let (slo, sli) = (
        "apiVersion: openslo/v1\nkind: SLO\nmetadata: { name: a }\nspec:\n  indicatorRef: b\n  \
         timeWindow: [{ duration: 1d, calendar: { startTime: '2026-01-01 00:00:00', timeZone: UTC } }]\n  \
         objectives: [{ targetPercent: 99.5 }]\n",
        "apiVersion: openslo/v1\nkind: SLI\nmetadata: { name: b }\nspec: { ratioMetric: { raw: { metricSource: \
         { type: x, spec: {} } } } }\n",
    );
    all.push(("named".to_owned(), format!("{slo}---\n{sli}---\nkind: Service\napiVersion: openslo/v1\n")));
    all
}

/// The code blocks of a page that begin with these words.
fn blocks(page: &str, begin: &str) -> Vec<String> {
    let text = read(&root().join(page));
    text.split(begin)
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block.to_owned())
        .collect()
}

fn numbered(name: &str, texts: Vec<String>) -> Vec<(String, String)> {
    texts.into_iter().enumerate().map(|(index, text)| (format!("{name}-{index}"), text)).collect()
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    listed(folder, |path| path.extension().is_some_and(|found| found == extension))
}

fn folders(folder: &str) -> Vec<PathBuf> {
    listed(folder, Path::is_dir)
}

fn listed(folder: &str, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|why| panic!("{folder}: {why}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a folder can be listed").path())
        .filter(|path| wanted(path))
        .collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}
