use std::time::Duration;

use steadfast_model::{InjectionId, Percent, proxy::ProxyFault};

use super::*;

fn at(seconds: u64) -> BootTime {
    BootTime(1_000_000_000_000).after(Duration::from_secs(seconds))
}

fn rule(number: u32, lease: u64, deadline: u64) -> ProxyRule {
    ProxyRule {
        id: RuleId { injection: InjectionId(uuid::Uuid::from_u128(7)), number },
        fault: ProxyFault::TcpDown {},
        percent: Percent::ALL,
        seed: 1,
        deadline: at(deadline),
        lease: at(lease),
    }
}

fn rules() -> Rules {
    Rules::new(Protocol::Tcp, 3, 4)
}

#[test]
fn applying_twice_changes_nothing_and_a_removed_rule_stays_away() {
    let mut rules = rules();
    let told = rule(0, 10, 60);
    assert_eq!(rules.apply(told.clone(), at(0)), Ok(Change::Rules));
    assert_eq!(rules.apply(told.clone(), at(0)), Ok(Change::Nothing));
    assert_eq!(rules.remove(told.id), Change::Rules);
    assert_eq!(rules.remove(told.id), Change::Nothing);
    assert!(rules.apply(told, at(0)).unwrap_err().contains("was removed"));
    assert!(rules.live().is_empty());
}

#[test]
fn a_rule_removed_before_it_came_is_refused_when_it_comes() {
    let mut rules = rules();
    assert_eq!(rules.remove(rule(0, 10, 60).id), Change::Nothing);
    assert!(rules.apply(rule(0, 10, 60), at(0)).is_err());
}

#[test]
fn a_rule_ends_with_its_lease_and_a_renewal_never_passes_the_deadline() {
    let mut rules = rules();
    rules.apply(rule(0, 10, 60), at(0)).unwrap();
    assert_eq!(rules.next_end(), Some(at(10)));
    rules.renew(rule(0, 0, 0).id, at(20)).unwrap();
    rules.renew(rule(0, 0, 0).id, at(15)).unwrap();
    assert_eq!(rules.next_end(), Some(at(20)), "a late, old renewal moves nothing back");
    rules.renew(rule(0, 0, 0).id, at(1000)).unwrap();
    assert_eq!(rules.next_end(), Some(at(60)));
    assert_eq!(rules.expire(at(59)), Change::Nothing);
    assert_eq!(rules.expire(at(60)), Change::Rules);
    assert!(rules.renew(rule(0, 0, 0).id, at(70)).unwrap_err().contains("not in place"));
    assert!(rules.apply(rule(0, 80, 90), at(61)).is_err(), "what expired stays away too");
}

#[test]
fn there_are_only_so_many_rules_and_only_so_many_memories() {
    let mut rules = rules();
    for number in 0..3 {
        rules.apply(rule(number, 10, 60), at(0)).unwrap();
    }
    assert!(rules.apply(rule(3, 10, 60), at(0)).unwrap_err().contains("3 rules already"));
    for number in 100..104 {
        rules.remove(rule(number, 10, 60).id);
    }
    assert_eq!(rules.removed.order.len(), 4);
    rules.remove(rule(0, 10, 60).id);
    assert_eq!((rules.removed.order.len(), rules.removed.ids.len()), (4, 4));
    assert!(rules.apply(rule(0, 10, 60), at(0)).is_err());
    assert!(rules.apply(rule(100, 10, 60), at(0)).is_ok(), "the oldest memory made room");
}
