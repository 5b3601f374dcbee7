use proptest::prelude::*;
use serde_json::json;

use super::*;

fn fields(body: &Value) -> Fields {
    Fields::read(body.to_string().as_bytes()).unwrap()
}

fn toxic(kind: &str, attributes: Value) -> Result<Toxic, Refusal> {
    Toxic::read(&fields(&json!({ "type": kind, "attributes": attributes })))
}

fn fault(kind: &str, attributes: Value) -> ProxyFault {
    toxic(kind, attributes).unwrap().rule(1).unwrap().fault
}

#[test]
fn every_kind_becomes_the_rule_that_does_the_same() {
    let (ms, stream) = (Duration::from_millis, Stream::Downstream);
    let rate = ByteRate::bits_per_second(80_000).unwrap();
    let size = |bytes| ByteSize::new(bytes).unwrap();
    for (kind, attributes, expected) in [
        (
            "latency",
            json!({ "latency": 5, "jitter": 7 }),
            ProxyFault::TcpDelay { latency: ms(5), jitter: ms(7), stream },
        ),
        ("bandwidth", json!({ "rate": 10 }), ProxyFault::TcpBandwidth { rate, stream }),
        ("bandwidth", json!({}), ProxyFault::TcpHold { stream }),
        ("slow_close", json!({ "delay": 5 }), ProxyFault::TcpSlowClose { delay: ms(5), stream }),
        ("timeout", json!({ "timeout": 5 }), ProxyFault::TcpTimeout { after: ms(5), stream }),
        ("reset_peer", json!({}), ProxyFault::TcpCut { after: ms(0), stream }),
        (
            "slicer",
            json!({ "average_size": 9, "size_variation": 3, "delay": 1500 }),
            ProxyFault::TcpSlice {
                size: size(9),
                variation: size(3),
                pause: StdDuration::from_micros(1500).into(),
                stream,
            },
        ),
        ("limit_data", json!({ "bytes": 5 }), ProxyFault::TcpLimitData { limit: size(5), stream }),
    ] {
        assert_eq!(fault(kind, attributes), expected, "{kind}");
    }
    assert_eq!(toxic("noop", json!({})).unwrap().rule(1), None);
}

#[test]
fn every_attribute_has_a_range_and_no_other_is_taken() {
    for kind in Kind::ALL {
        let base = if kind == Kind::Slicer { json!({ "average_size": 1_u64 << 50 }) } else { json!({}) };
        for attribute in kind.attributes() {
            let with = |value: Value| {
                let mut attributes = base.clone();
                attributes[attribute.name] = value;
                toxic(kind.name(), attributes)
            };
            with(json!(attribute.most)).unwrap();
            for wrong in
                [json!(-1), json!(attribute.most + 1), json!(1.5), json!("1"), json!(true), json!([1])]
            {
                let error = with(wrong).unwrap_err().error;
                assert!(error.contains(attribute.name) && error.contains(attribute.unit), "{error}");
            }
        }
        let error = toxic(kind.name(), json!({ "latncy": 1 })).unwrap_err().error;
        assert!(error.contains("no attribute `latncy`"), "{error}");
    }
    let sum = json!({ "latency": kind::HOUR, "jitter": 1 });
    assert!(toxic("latency", sum).unwrap_err().error.contains("longer than an hour"));
}

#[test]
fn a_share_is_kept_as_it_was_written() {
    for (written, shown) in [(0.1, "0.1"), (0.75, "0.75"), (1.0, "1.0"), (0.0, "0.0"), (-0.0, "0.0")] {
        let toxic = Toxic::read(&fields(&json!({ "type": "noop", "toxicity": written }))).unwrap();
        let json = serde_json::to_string(&toxic).unwrap();
        assert!(json.ends_with(&format!("\"toxicity\":{shown}}}")), "{json}");
    }
}

/// Any JSON at all, now and then with a word that means something.
fn any_json() -> impl Strategy<Value = Value> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "type",
            "name",
            "stream",
            "toxicity",
            "attributes",
            "rate",
            "latency",
            "bytes"
        ])
        .prop_map(str::to_owned),
        "[a-z_]{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-5_i64..5).prop_map(Value::from),
        prop::sample::select(vec!["latency", "bandwidth", "slicer", "limit_data", "upstream"])
            .prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((word.clone(), inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_is_sent_is_refused_or_makes_sense(
        mut body in any_json(),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        attributes in any_json(),
    ) {
        if let Some(object) = body.as_object_mut() {
            object.insert("type".to_owned(), kind.name().into());
            object.insert("attributes".to_owned(), attributes);
        }
        let Ok(told) = Fields::read(body.to_string().as_bytes()) else { return Ok(()) };
        let Ok(toxic) = Toxic::read(&told) else { return Ok(()) };
        prop_assert!((0.0..=1.0).contains(&toxic.toxicity));
        prop_assert!(!toxic.name.is_empty() && toxic.name.len() <= 255);
        for (attribute, value) in &toxic.attributes.0 {
            prop_assert!(*value <= attribute.most);
        }
        prop_assert_eq!(toxic.rule(1).is_none(), kind == Kind::Noop);
        // What it shows is what it takes.
        let shown = serde_json::to_value(&toxic).unwrap();
        prop_assert_eq!(&Toxic::read(&fields(&shown)).unwrap(), &toxic);
        prop_assert_eq!(&toxic.changed(&fields(&shown)).unwrap(), &toxic);
    }
}
