use super::*;

fn answer(status: u16, body: &str) -> HttpStatus {
    HttpStatus { status, body: body.to_owned(), matching: Box::default(), percent: Percent::ALL, seed: 0 }
}

fn problems(fault: &HttpStatus) -> usize {
    let mut problems = Problems::new();
    ProxyRuled::check(fault, &mut problems);
    problems.all().len()
}

#[test]
fn only_final_statuses_are_accepted() {
    for status in [0, 100, 101, 199, 600, u16::MAX] {
        assert_eq!(problems(&answer(status, "")), 1, "{status}");
    }
    for status in [200, 204, 404, 503, 599] {
        assert_eq!(problems(&answer(status, "")), 0, "{status}");
    }
}

#[test]
fn a_body_has_a_limit_and_needs_a_status_that_allows_it() {
    assert_eq!(problems(&answer(200, &"x".repeat(64 * 1024))), 0);
    assert_eq!(problems(&answer(200, &"x".repeat(64 * 1024 + 1))), 1);
    assert_eq!(problems(&answer(204, "x")), 1);
}

#[test]
fn answering_every_request_leaves_none_for_other_faults_on_requests() {
    assert_eq!(answer(503, "").holds(), HTTP_ASPECTS);
    let some = HttpStatus { percent: Percent::new(20.0).unwrap(), ..answer(503, "") };
    assert_eq!(some.holds(), ["http-status"]);
    let every = HttpMatch { every: Some(2), ..HttpMatch::default() };
    assert_eq!(HttpStatus { matching: Box::new(every), ..answer(503, "") }.holds(), ["http-status"]);
}
