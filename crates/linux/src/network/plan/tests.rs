use super::*;

fn traffic(json: serde_json::Value) -> Traffic {
    serde_json::from_value(json).unwrap()
}

/// The chains of a table with how many rules each has.
fn shape(table: &Table) -> Vec<(&str, usize)> {
    table.chains.iter().map(|chain| (chain.name.as_str(), chain.rules.len())).collect()
}

#[test]
fn a_chain_is_made_only_for_what_narrows() {
    let devices = ["eth0".to_owned()];
    let everything = dropping(&Traffic::default(), Action::Drop, &devices);
    assert_eq!(shape(&everything), [("ingress", 3), ("egress", 3), ("disturb", 2)]);
    let narrow = traffic(serde_json::json!({
        "direction": "egress", "peers": ["10.0.0.0/8", "fd00::1"], "ports": [80, "90-99"], "protocol": "tcp"
    }));
    assert_eq!(
        shape(&dropping(&narrow, Action::Drop, &devices)),
        [("egress", 3), ("ports", 4), ("disturb", 2)]
    );
    let refusing = dropping(&narrow, Action::Refuse, &devices);
    assert_eq!(
        (refusing.family, shape(&refusing)),
        (Family::Inet, vec![("egress", 4), ("ports", 4), ("disturb", 4)])
    );
}

#[test]
fn no_packet_can_meet_a_disturbance_twice() {
    let narrow = traffic(serde_json::json!({
        "direction": "both", "peers": ["10.0.0.0/8", "10.0.0.0/16"], "ports": [80], "protocol": null
    }));
    let detour =
        Detour { device: "eth0".into(), device_number: 2, through: "tap0".into(), through_number: 3 };
    let mut tables = queueing(&narrow, Share::All, 1, true);
    tables.push(dropping(&narrow, Action::Lose(1), &["eth0".to_owned()]));
    tables.push(detouring(&narrow, Share::All, &[detour]));
    for chain in
        tables.iter().flat_map(|table| &table.chains).filter(|chain| !chain.name.starts_with(DISTURB))
    {
        for rule in &chain.rules {
            let last = rule.expressions.last().unwrap();
            let ends = matches!(
                last,
                Expression::Goto(_) | Expression::Accept | Expression::Drop | Expression::Forward(_)
            );
            assert!(ends, "{}: {rule:?}", chain.name);
        }
    }
}

#[test]
fn loopback_passes_where_the_hooks_see_it() {
    for table in queueing(&Traffic::default(), Share::All, 1, false) {
        let first = &table.chains[0].rules[0].expressions;
        assert_eq!(first[..], [Expression::number_is(Meta::InDevice, 1), Expression::Accept]);
    }
    let refusing = dropping(&Traffic::default(), Action::Refuse, &[]);
    for (chain, meta) in refusing.chains.iter().zip([Meta::InDevice, Meta::OutDevice]) {
        assert_eq!(chain.rules[0].expressions[..], [Expression::number_is(meta, 1), Expression::Accept]);
    }
}

#[test]
fn a_table_of_one_family_asks_for_no_peer_of_the_other() {
    let narrow = traffic(serde_json::json!({
        "direction": "ingress", "peers": ["fd00::/8"], "ports": [], "protocol": null
    }));
    let tables = queueing(&narrow, Share::All, 1, true);
    // Only the rule that passes loopback.
    assert_eq!((tables[0].family, tables[0].chains[0].rules.len()), (Family::Ipv4, 1));
    assert_eq!((tables[1].family, tables[1].chains[0].rules.len()), (Family::Ipv6, 3));
}

#[test]
fn a_packet_that_was_released_is_not_held_again() {
    let detour =
        Detour { device: "eth0".into(), device_number: 2, through: "tap0".into(), through_number: 3 };
    let table = detouring(&Traffic::default(), Share::All, &[detour]);
    let chain = |name: &str| &table.chains.iter().find(|chain| chain.name == name).unwrap().rules;
    let passes = [Expression::number_is(Meta::Mark, RELEASED), Expression::Accept];
    assert_eq!(chain("egress0")[0].expressions[..], passes);
    assert_eq!(chain("quiet0")[0].expressions[..], passes);
    assert_eq!(chain("back0")[0].expressions[..], [Expression::SetMark(RELEASED), Expression::Forward(2)]);
}

#[test]
fn a_second_one_is_not_duplicated_again_and_what_came_in_loses_its_mark() {
    let detour =
        Detour { device: "eth0".into(), device_number: 2, through: "tap0".into(), through_number: 3 };
    let table = duplicating(&Traffic::default(), 50_000, &[("eth0".to_owned(), 2)], &[detour]);
    let chain = |name: &str| &table.chains.iter().find(|chain| chain.name == name).unwrap().rules;
    let ours = || Expression::number_is(Meta::Mark, RELEASED);
    assert_eq!(chain("egress0")[0].expressions[..], [ours(), Expression::Accept]);
    assert_eq!(chain("ingress1")[0].expressions[..], [ours(), Expression::SetMark(0), Expression::Accept]);
    assert_eq!(chain("quiet0")[1].expressions[..], [Expression::Drop]);
    // Out by the device itself, in by ours.
    for (name, device) in [("disturb0", 2), ("disturb1", 3)] {
        let again = Expression::Duplicate { device, mark: RELEASED };
        assert_eq!(chain(name)[1].expressions[..], [Expression::Chance(50_000), Expression::Count, again]);
    }
}

#[test]
fn a_reset_passes_where_senders_are_told() {
    for action in [Action::Refuse, Action::Reset(1)] {
        let table = dropping(&Traffic::default(), action, &[]);
        let first = &table.chains.last().unwrap().rules[0].expressions;
        assert_eq!(first[..], [is_transport(TCP), is_reset(), Expression::Accept], "{action:?}");
    }
}

#[test]
fn what_overtakes_passes_and_is_all_that_counts_as_disturbed() {
    let share = Share::AllBut { every: 5, million: 500_000 };
    let rules = share.leading("held", vec![Expression::Drop]);
    let ahead = [Expression::Every(5), Expression::Chance(500_000), Expression::Count, Expression::Accept];
    assert_eq!((rules[1].comment.as_deref(), &rules[1].expressions[..]), (Some(HIT), &ahead[..]));
    assert_eq!((&rules[2].comment, &rules[2].expressions[..]), (&None, &[Expression::Drop][..]));
}
