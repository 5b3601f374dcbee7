use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
};

use proptest::prelude::*;
use serde_json::json;
use steadfast_faults::FAULTS;
use steadfast_model::{API_VERSION, Duration as Length, yaml};

use super::{facts::ProcessFacts, *};

const WHOLE: &str = "\
apiVersion: steadfast.dev/v1alpha1
kind: Policy
spec:
  longestFault: 10m
  mostFaults: 2
  mostTargets: 3
  faults: { forbid: [processKill] }
  targets:
    allow: [process: { user: '1000' }, proxy: {}]
    forbid:
      - process: { executable: /usr/lib/postgresql/ }
      - process: { listening: 22 }
      - netns: {}
";

fn problems(spec: &str) -> String {
    let text = format!("apiVersion: {API_VERSION}\nkind: Policy\n{spec}");
    yaml::render(&read(&text).unwrap_err(), "policy.yaml", &text, false)
}

fn process(executable: &str, user: u32) -> Facts {
    Facts::Process(ProcessFacts {
        pid: std::process::id(),
        executable: Some(executable.into()),
        command: Some("postgres".to_owned()),
        users: Some([user, user]),
    })
}

#[test]
fn a_whole_policy_is_read_and_told_in_a_line() {
    let policy = read(WHOLE).unwrap();
    assert_eq!(policy.longest_fault, Some(Length::from_secs(600)));
    assert_eq!((policy.most_faults, policy.most_targets), (Some(2), Some(3)));
    assert_eq!(
        policy.to_string(),
        "faults of at most 10m, at most 2 at once, at most 3 targets at once, no processKill, only into a process of \
         user 1000, any proxy, never into a process running /usr/lib/postgresql/, a process listening on 22, any \
         network namespace"
    );
    let nothing = read("apiVersion: steadfast.dev/v1alpha1\nkind: Policy\nspec: {}\n").unwrap();
    assert_eq!((nothing.to_string().as_str(), nothing), ("it limits nothing", Policy::default()));
}

#[test]
fn a_file_is_told_of_whatever_is_in_it_and_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let [machine, more] = ["machine.yaml", "more.yaml"].map(|name| folder.path().join(name));
    let none = Policies { machine: machine.clone(), more: Vec::new() };
    assert_eq!(none.file(), None);
    // Whoever names one means it to be there.
    assert_eq!(none.clone().and(more.clone()).file(), Some(more.as_path()));
    symlink("nowhere", &machine).unwrap();
    assert_eq!(none.and(more).file(), Some(machine.as_path()));
}

#[test]
fn all_that_is_wrong_is_said_with_its_place_and_a_hint() {
    let check = |spec: &str, parts: &[&str]| {
        let said = problems(spec);
        for part in parts {
            assert!(said.contains(part), "{part} in\n{said}");
        }
    };
    check(
        "spec:\n  longestFault: 10\n  targets:\n    forbid:\n      - process: { comand: x }\n      - pod: {}\n",
        &["policy.yaml:4:17", "policy.yaml:7:20", "did you mean `command`?", "policy.yaml:8:9"],
    );
    check(
        "spec:\n  longestFault: 0s\n  mostFaults: 0\n  faults: { forbid: [procesKill] }\n  targets:\n    forbid:\n      - process: { executable: bin/x, user: no-such-user }\n",
        &[
            "policy.yaml:4:17",
            "policy.yaml:5:15",
            "policy.yaml:6:22",
            "did you mean `processKill`?",
            "policy.yaml:9:32",
            "a path here is absolute",
            "policy.yaml:9:45",
            "this machine has no user `no-such-user`",
        ],
    );
    assert!(problems("").contains("spec"));
    let other = "apiVersion: v1\nkind: Polcy\nspec: {}\n";
    let said = yaml::render(&read(other).unwrap_err(), "p", other, false);
    assert!(said.contains("p:1:13") && said.contains("did you mean `Policy`?"), "{said}");
    for empty in ["", "# nothing\n"] {
        assert!(read(empty).unwrap_err().all()[0].message.contains("empty"));
    }
    assert!(read(&format!("{WHOLE}---\n{WHOLE}")).unwrap_err().all()[0].message.contains("another document"));
}

#[test]
fn faults_are_limited_by_name_and_length() {
    let limits = Limits(vec![("p".into(), read(WHOLE).unwrap())]);
    let check =
        |kind, seconds| limits.check_fault(kind, Duration::from_secs(seconds)).map_err(|error| error.message);
    assert_eq!(check("tcpDelay", 600), Ok(()));
    assert!(check("tcpDelay", 601).unwrap_err().contains("longer than the longest fault, 10m"));
    assert!(check("processKill", 1).unwrap_err().contains("processKill is forbidden"));
    let only = Policy { faults: Allowance { allow: Some(vec![]), forbid: vec![] }, ..Policy::default() };
    assert!(only.refuses_kind("tcpDelay").unwrap().contains("there are none"));
}

#[test]
fn as_many_as_are_allowed_fit_at_once() {
    let limits = Limits(vec![("p".into(), read(WHOLE).unwrap())]);
    let room = |faults, targets, more| limits.check_room(Live { faults, targets }, more).is_ok();
    assert!(room(0, 0, 3) && room(1, 1, 2));
    assert!(!room(2, 0, 1), "a third fault");
    assert!(!room(1, 2, 2), "a fourth target");
}

#[test]
fn targets_are_told_by_what_they_are_and_what_cannot_be_told_is_no() {
    let policy = read(WHOLE).unwrap();
    let refuses = |facts: &Facts| policy.refuses_target(facts).unwrap_or_default();
    assert_eq!(refuses(&process("/usr/bin/java", 1000)), "");
    assert!(
        refuses(&process("/usr/lib/postgresql/15/bin/postgres", 1000)).contains("postgresql/ is forbidden")
    );
    assert!(refuses(&process("/usr/lib/postgresql-like", 1001)).contains("not among the allowed"));
    let unseen = Facts::Process(ProcessFacts { pid: 1, executable: None, command: None, users: None });
    assert!(refuses(&unseen).contains("cannot be told"), "{}", refuses(&unseen));
    assert!(refuses(&Facts::Netns { names: None }).contains("any network namespace is forbidden"));
    assert_eq!(refuses(&Facts::Proxy { name: "p".to_owned(), ports: vec![22] }), "");
    let only = Scope {
        allow: Some(vec![Selector::Process(ProcessSelector {
            user: Some("0".into()),
            ..Default::default()
        })]),
        forbid: vec![],
    };
    let only = Policy { targets: only, ..Policy::default() };
    assert!(only.refuses_target(&unseen).is_some(), "what cannot be told is not allowed");
    let port = Selector::Proxy(ProxySelector { port: Some(5432), name: None });
    let proxy = |ports| Facts::Proxy { name: "p".to_owned(), ports };
    assert_eq!(port.describes(&proxy(vec![7000, 5432])), Some(true));
    assert_eq!(port.describes(&proxy(vec![7000])), Some(false));
}

#[test]
fn everything_a_selector_says_must_fit() {
    let selector = |user: &str| {
        Selector::Process(ProcessSelector {
            executable: Some("/usr/bin/java".into()),
            command: Some("postgres".into()),
            user: Some(user.to_owned()),
            listening: None,
        })
    };
    let facts = process("/usr/bin/java", 0);
    assert_eq!(selector("0").describes(&facts), Some(true));
    assert_eq!(selector("root").describes(&facts), Some(true));
    assert_eq!(selector("1").describes(&facts), Some(false));
    assert_eq!(selector("0").describes(&Facts::Netns { names: Some(vec![]) }), Some(false));
}

fn policy_in(folder: &Path, mode: u32) -> Policies {
    let file = folder.join("policy.yaml");
    fs::write(&file, WHOLE).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    Policies { machine: file, more: Vec::new() }
}

#[test]
fn a_missing_file_limits_nothing_and_a_named_one_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("policy.yaml");
    let machine = Policies { machine: missing.clone(), more: Vec::new() };
    assert_eq!(machine.load(), Ok(Limits::default()));
    assert!(machine.and(missing).load().unwrap_err().message.contains("No such file"));
}

#[test]
fn a_file_that_others_could_have_written_forbids_everything() {
    let folder = tempfile::tempdir().unwrap();
    assert!(policy_in(folder.path(), 0o644).load().is_ok());
    for mode in [0o664, 0o646] {
        let error = policy_in(folder.path(), mode).load().unwrap_err();
        assert!(error.message.contains("others may write to it"), "{error}");
    }
    let sound = policy_in(folder.path(), 0o600);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(sound.load().unwrap_err().message.contains("its folder"));
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&sound.machine, "spec: [").unwrap();
    let error = sound.load().unwrap_err();
    assert!(error.message.contains("policy.yaml:2:1") && error.hint.is_some(), "{error}");
    let folder_itself = Policies { machine: folder.path().to_owned(), more: Vec::new() };
    assert!(folder_itself.load().unwrap_err().message.contains("no ordinary file"));
}

#[test]
fn a_link_is_as_good_as_where_it_leads() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = policy_in(elsewhere.path(), 0o644).machine;
    let link = folder.path().join("link.yaml");
    symlink(&there, &link).unwrap();
    let linked = Policies { machine: link, more: Vec::new() };
    assert_eq!(linked.load().unwrap().0.len(), 1);
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o777)).unwrap();
    assert!(linked.load().unwrap_err().message.contains("its folder"), "others may take it away");
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::remove_file(there).unwrap();
    assert!(linked.load().unwrap_err().message.contains("a link that leads nowhere"));
}

#[test]
fn a_file_of_somebody_else_forbids_everything() {
    let folder = tempfile::tempdir().unwrap();
    let policies = policy_in(folder.path(), 0o644);
    if chown(&policies.machine, Some(12345), None).is_err() {
        return steadfast_testkit::skip(
            "a_file_of_somebody_else_forbids_everything",
            "only root can give a file away",
        );
    }
    assert!(policies.load().unwrap_err().message.contains("it belongs to user 12345"));
}

#[test]
fn another_file_only_takes_away() {
    let folder = tempfile::tempdir().unwrap();
    let strict = policy_in(folder.path(), 0o644);
    let lax = folder.path().join("lax.yaml");
    fs::write(&lax, format!("apiVersion: {API_VERSION}\nkind: Policy\nspec: {{ longestFault: 1h, faults: {{ forbid: [tcpDelay] }} }}\n")).unwrap();
    fs::set_permissions(&lax, fs::Permissions::from_mode(0o644)).unwrap();
    let limits = strict.and(lax).load().unwrap();
    let check = |kind, seconds| limits.check_fault(kind, Duration::from_secs(seconds)).is_ok();
    assert!(check("processPause", 600) && !check("processPause", 601), "the machine's limit stands");
    assert!(!check("tcpDelay", 1) && !check("processKill", 1), "both forbid");
}

#[test]
fn the_schema_describes_the_document() {
    let schema = schema();
    assert_eq!(schema["properties"]["kind"], json!({ "const": "Policy" }));
    assert_eq!(schema["required"], json!(["apiVersion", "kind", "spec"]));
    let text = schema.to_string();
    for key in ["longestFault", "mostFaults", "mostTargets", "executable", "listening"] {
        assert!(text.contains(key), "{key}");
    }
}

fn any_selector() -> impl Strategy<Value = Selector> {
    let path = proptest::option::of("/[a-z]{1,9}(/[a-z .']{1,9}){0,3}/?".prop_map(PathBuf::from));
    let name = || proptest::option::of("[a-zA-Z0-9:_ -]{1,15}");
    prop_oneof![
        (path, name(), proptest::option::of(any::<u32>()), proptest::option::of(any::<u16>())).prop_map(
            |(executable, command, user, listening)| {
                let user = user.map(|user| user.to_string());
                Selector::Process(ProcessSelector { executable, command, user, listening })
            }
        ),
        name().prop_map(|name| Selector::Netns(NetnsSelector { name })),
        Just(Selector::Host(HostSelector {})),
        (name(), proptest::option::of(any::<u16>()))
            .prop_map(|(name, port)| Selector::Proxy(ProxySelector { name, port })),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let kinds =
        || proptest::collection::vec((0..FAULTS.len()).prop_map(|index| FAULTS[index].kind.to_owned()), 0..4);
    let selectors = || proptest::collection::vec(any_selector(), 0..4);
    let number = || proptest::option::of(1..1000_u32);
    (
        (proptest::option::of((1..1_000_000_u64).prop_map(Length::from_millis)), number(), number()),
        (proptest::option::of(kinds()), kinds()),
        (proptest::option::of(selectors()), selectors()),
    )
        .prop_map(|((longest_fault, most_faults, most_targets), faults, targets)| Policy {
            longest_fault,
            most_faults,
            most_targets,
            faults: Allowance { allow: faults.0, forbid: faults.1 },
            targets: Scope { allow: targets.0, forbid: targets.1 },
        })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(policy in any_policy()) {
        let text = yaml::print(&json!({ "apiVersion": API_VERSION, "kind": KIND, "spec": policy }));
        prop_assert_eq!(read(&text).map_err(|problems| yaml::render(&problems, "p", &text, false)), Ok(policy));
    }

    #[test]
    fn no_text_makes_it_panic_and_every_refusal_has_a_place(text in "\\PC{0,200}", at in 0..WHOLE.len(), more in "[ -~\n]{0,12}") {
        let mut changed = WHOLE.to_owned();
        changed.insert_str(at, &more);
        for source in [text, changed] {
            if let Err(problems) = read(&source) {
                prop_assert!(problems.all().iter().all(|problem| problem.span.is_some()), "{:?}", problems.all());
            }
        }
    }

    #[test]
    fn more_limits_never_allow_more(one in any_policy(), other in any_policy(), kind in 0..FAULTS.len(), millis in 0..1_000_000_u64) {
        let limits = |policies: &[&Policy]| Limits(policies.iter().map(|policy| (PathBuf::from("p"), (*policy).clone())).collect());
        let allows = |limits: &Limits| limits.check_fault(FAULTS[kind].kind, Duration::from_millis(millis)).is_ok();
        prop_assert_eq!(allows(&limits(&[&one, &other])), allows(&limits(&[&one])) && allows(&limits(&[&other])));
    }
}
