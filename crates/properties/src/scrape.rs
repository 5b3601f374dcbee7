//! The text of a `/metrics` page: names, labels and values survive, limits hold, and counters never count nonsense.

use futures_util::FutureExt;
use steadfast_probes::{
    Probe,
    exposition::{LONGEST_LABEL, LONGEST_NAME, MOST_LABELS, Sample, samples},
    probes::scrape::Scrape,
    world::fake::FakeWorld,
};

/// A line that ends one page and begins the next: what a probe sees one after the other.
const NEXT_PAGE: &str = "\n===\n";

const RATIO: &str = r#"{ "url": "http://x/metrics", "ratio": { "bad": "requests_total{code=~\"5..\"}", "total": "requests_total", "absentIsZero": true } }"#;
const LATENCY: &str =
    r#"{ "url": "http://x/metrics", "latency": { "histogram": "took_seconds", "threshold": "300ms" } }"#;

/// Holds for any bytes.
pub fn holds(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let pages: Vec<&str> = text.split(NEXT_PAGE).take(8).collect();
    for page in &pages {
        reads(page);
    }
    thread_local! {
        // Their patterns are compiled once.
        static PROBES: [Scrape; 2] =
            [RATIO, LATENCY].map(|document| serde_json::from_str(document).expect("the document is ours"));
    }
    PROBES.with(|probes| probes.iter().for_each(|probe| counts(probe, &pages)));
}

fn reads(page: &str) {
    let (mut all, mut written) = (Vec::new(), String::new());
    let mut reading = samples(page);
    for sample in &mut reading {
        match sample {
            Ok(sample) => {
                assert!(!sample.name.is_empty() && sample.name.len() <= LONGEST_NAME);
                assert!(sample.labels.len() <= MOST_LABELS);
                for (label, value) in &sample.labels {
                    assert!(label.len() <= LONGEST_NAME && value.len() <= LONGEST_LABEL);
                    assert_eq!(sample.label(label), Some(&**value), "a label comes twice");
                }
                written.push_str(&line(&sample));
                all.push(sample);
            }
            Err(why) => {
                assert!(why.line >= 1 && why.line <= page.lines().count().max(1), "{why}");
                assert!(why.message.len() < 1_000, "{} bytes of message", why.message.len());
            }
        }
    }
    assert!(reading.next().is_none(), "something is read after the end");
    let again: Vec<Sample<'_>> =
        samples(&written).collect::<Result<_, _>>().unwrap_or_else(|why| panic!("{why} in {written:?}"));
    assert_eq!(again.len(), all.len());
    for (one, other) in all.iter().zip(&again) {
        assert_eq!((&one.name, &one.labels), (&other.name, &other.labels));
        let same = one.value == other.value || one.value.is_nan() && other.value.is_nan();
        assert!(same, "{} became {}", one.value, other.value);
        assert_eq!(one.series(""), other.series(""));
    }
}

/// A sample as OpenMetrics writes it, with its name in quotes.
fn line(sample: &Sample<'_>) -> String {
    let labels = sample.labels.iter().map(|(label, value)| format!(",{}={}", quoted(label), quoted(value)));
    format!("{{{}{}}} {:?}\n", quoted(&sample.name), labels.collect::<String>(), sample.value)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// What a probe counts between two pages: never more bad events than events, never on the first look.
fn counts(probe: &Scrape, pages: &[&str]) {
    let (world, mut watch) = (FakeWorld::new(), probe.watch());
    for (index, page) in pages.iter().enumerate() {
        world.answer(200, *page);
        let looked = watch.look(&world).now_or_never().expect("the fake world never waits");
        match looked {
            Ok(counted) => {
                assert!(counted.increment.bad <= counted.increment.total, "{counted:?}");
                assert!(index > 0 || counted.increment.total == 0, "the first look counts: {counted:?}");
            }
            Err(why) => assert!(!why.ours && why.cause.len() < 10_000, "{why}"),
        }
    }
}
