//! Payments, repetition, and an audit that can fail.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use sqlx::{Connection, SqliteConnection};
use steadfast_demo::{System, audit, write_documents};

use crate::site::{ANY, Site, ask, load, metric, pay};

#[tokio::test]
async fn a_payment_moves_money_once_however_often_it_is_sent() {
    let site = Site::proxied(&[], &[]);
    let system = System::start(&site.config).await.unwrap();
    let body = r#"{"from":"ada","to":"shop-1","amount":1250,"key":"k-1"}"#;
    for _ in 0..3 {
        let (status, answer, _) = pay(&system, body).await;
        assert_eq!((status, answer.as_str()), (201, r#"{"key":"k-1","status":"posted"}"#));
    }
    let (status, _, _) = pay(&system, r#"{"from":"ada","to":"shop-1","amount":9,"key":"k-1"}"#).await;
    assert_eq!(status, 409, "the key belongs to another payment");
    let (_, balance, _) =
        ask(&format!("{}/balances?account=ada", system.state().url("ledger")), Method::GET, "").await;
    assert_eq!(balance, r#"{"account":"ada","balance":-1250}"#);
    assert_eq!(pay(&system, ANY).await.0, 201);
    let report = site.audited().await;
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.acknowledged, report.posted), (2, 2));
    system.stop().await;
    assert_eq!(audit(site.dir()).await.unwrap(), report, "the files say the same when nothing runs");
}

#[tokio::test]
async fn bad_payments_are_refused_with_every_reason_and_leave_no_trace() {
    let site = Site::direct();
    let system = System::start(&site.config).await.unwrap();
    for (body, status, reason) in [
        ("{", 400, "EOF"),
        (r#"{"amount":5,"amont":6}"#, 400, "unknown field `amont`"),
        (
            r#"{"from":"A b","to":"c","amount":-1}"#,
            422,
            "from and to must be 1 to 40 characters of a-z, 0-9 and -; amount",
        ),
        (r#"{"from":"ada","to":"ada","amount":1}"#, 422, "must differ"),
        (r#"{"amount":90000000}"#, 403, "declined by risk"),
    ] {
        let (seen, answer, _) = pay(&system, body).await;
        assert_eq!(seen, status, "{body}: {answer}");
        assert!(answer.contains(reason), "{body}: {answer}");
    }
    let report = site.audited().await;
    assert_eq!((report.acknowledged, report.posted), (0, 0));
    assert!(!report.is_clean() && report.problems().is_empty(), "nothing audited is not clean: {report}");
    system.stop().await;
}

#[tokio::test]
async fn a_healthy_system_answers_everything_fast_and_counts_it() {
    let site = Site::proxied(&[], &[]);
    let system = Arc::new(System::start(&site.config).await.unwrap());
    load(&system, 50, Duration::from_millis(500), 0).await;
    let seen = load(&system, 100, Duration::from_secs(4), 0).await;
    assert_eq!(seen.failed(), 0);
    let (median, p99) = (seen.quantile(0.5), seen.quantile(0.99));
    println!("{} payments: median {median:?}, p99 {p99:?}", seen.count());
    // On an idle machine it is a few milliseconds; the machine may be busy with other tests.
    assert!(median < Duration::from_millis(100), "{median:?}");
    let counted =
        metric(&system, "gateway", r#"http_requests_total{service="gateway",route="/pay",code="201"}"#).await;
    assert!(counted >= seen.count() as f64, "{counted}");
    let bucket = r#"http_request_duration_seconds_bucket{le="0.3",service="gateway",route="/pay"}"#;
    assert!(metric(&system, "gateway", bucket).await > 0.0);
    let told = metric(&system, "notifications", "notifications_sent_total").await;
    assert!(told > 0.0);
    let report = site.audited().await;
    assert!(report.is_clean(), "{report}");
    let documents = site.dir().join("documents");
    write_documents(&documents, &system.state()).unwrap();
    let binding = std::fs::read_to_string(documents.join("binding.yaml")).unwrap();
    assert_eq!(binding.matches("proxy: payments-").count(), 4);
    Arc::into_inner(system).unwrap().stop().await;
}

#[tokio::test]
async fn the_audit_finds_what_somebody_changed() {
    let site = Site::direct();
    let system = System::start(&site.config).await.unwrap();
    for n in 0..6 {
        pay(&system, &format!(r#"{{"amount":{},"key":"k-{n}"}}"#, 100 + n)).await;
    }
    let report = site.audited().await;
    assert!(report.is_clean(), "{report}");
    system.stop().await;
    let change = async |file: &str, sql: &'static str| {
        let url = format!("sqlite://{}", site.database(file).display());
        let mut database = SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut database).await.unwrap();
        database.close().await.unwrap();
    };
    change("ledger.sqlite", "DELETE FROM transfers WHERE key = 'k-0'; DELETE FROM entries WHERE key = 'k-0'")
        .await;
    change("ledger.sqlite", "INSERT INTO entries (key, account, amount) SELECT key, account, amount FROM entries WHERE key = 'k-1'").await;
    change("ledger.sqlite", "UPDATE entries SET amount = amount + 7 WHERE key = 'k-2' AND amount > 0").await;
    change("ledger.sqlite", "UPDATE transfers SET payer = 'eve' WHERE key = 'k-3'").await;
    change("wallet.sqlite", "UPDATE holds SET state = 'released' WHERE key = 'k-4'").await;
    let report = audit(site.dir()).await.unwrap();
    assert!(!report.is_clean());
    assert_eq!(report.lost, ["k-0"]);
    assert_eq!(report.doubled, ["k-1"]);
    assert_eq!(report.unbalanced, ["k-2", "k-3"]);
    assert_eq!(report.altered, ["k-3"]);
    assert_eq!(report.unmatched_holds, ["k-0", "k-3", "k-4"]);
    assert_eq!(report.sum, 7);
    assert!(!report.wrong_balances.is_empty() && !report.wrong_wallets.is_empty());
    assert!(report.to_string().contains("1 acknowledged payments are lost, for example k-0"), "{report}");
}

#[tokio::test]
async fn nothing_to_read_is_an_error_and_not_a_clean_audit() {
    let site = Site::direct();
    assert!(audit(site.dir()).await.is_err());
}
