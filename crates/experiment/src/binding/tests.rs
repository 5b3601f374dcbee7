use super::*;

const GOOD: &str = "\
apiVersion: steadfast.dev/v1alpha1
kind: Binding
metadata: { name: demo }
spec:
  services:
    payments: { process: { listening: 7001 }, url: 'http://127.0.0.1:7001', metrics: 'http://127.0.0.1:7001/metrics' }
    risk: { process: { pid: 4711 } }
  connections:
    - { from: payments, to: risk, proxy: payments-risk }
  proxies:
    payments-risk: { control: /run/user/1000/steadfast/payments-risk.sock }
";

#[test]
fn a_binding_reads_back_as_printed() {
    let binding = super::read(GOOD).unwrap();
    assert_eq!(binding.services.len(), 2);
    assert_eq!(super::read(&print("demo", &binding)).unwrap(), binding);
}

#[test]
fn what_does_not_fit_together_is_told_at_once() {
    let source = GOOD
        .replace("proxy: payments-risk", "proxy: payment-risk")
        .replace("from: payments", "from: payment")
        .replace("control: /run", "control: run")
        .replace("pid: 4711", "pid: 4711, seed: 1")
        .replace("url: 'http:", "url: 'gopher:")
        .replace("metadata:", "metdata:");
    let problems = super::read(&source).unwrap_err();
    let found: Vec<String> = problems
        .all()
        .iter()
        .map(|problem| format!("{} {}", problem.span.map_or(0, |span| span.line), problem.message))
        .collect();
    assert_eq!(
        found,
        [
            "3 unknown key `metdata`",
            "6 this does not begin with http:// or https://",
            "7 nothing is left to chance here",
            "9 there is no service `payment`",
            "9 there is no proxy `payment-risk`",
            "11 the path of a socket must be absolute",
        ]
    );
}
