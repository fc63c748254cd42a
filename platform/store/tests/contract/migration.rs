//! Starting: many at once, over an older store, over a newer one.

use model::Severity;
use store::Store;

use crate::Place;
use crate::world::*;

pub(crate) async fn many_processes_may_start_at_once(place: Place) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let url = place.url.clone();
        tasks.spawn(async move { Store::connect(&url).await });
    }
    while let Some(store) = tasks.join_next().await {
        let store = store.unwrap().unwrap();
        submit(&store, &tenant(), 0).await;
    }
    assert_eq!(place.store().await.ledger(&tenant()).await.unwrap().accepted, 6);
}

pub(crate) async fn run(place: &Place, statement: &'static str) {
    match place.url.strip_prefix("sqlite:") {
        Some(path) => {
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
            let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
            sqlx::raw_sql(statement).execute(&pool).await.unwrap();
            pool.close().await;
        }
        None => {
            let pool = sqlx::PgPool::connect(&place.url).await.unwrap();
            sqlx::raw_sql(statement).execute(&pool).await.unwrap();
            pool.close().await;
        }
    }
}

pub(crate) async fn a_newer_store_is_refused(place: Place) {
    place.store().await.close().await;
    let later = "INSERT INTO schema_migration (version, reason, checksum) SELECT 99, 'x', checksum FROM schema_migration WHERE version = 1";
    run(&place, later).await;
    let error = Store::connect(&place.url).await.unwrap_err();
    assert_eq!(error.code(), "store-too-new");
    assert!(error.to_string().contains("99"), "{error}");
    run(&place, "DELETE FROM schema_migration WHERE version = 99").await;
    place.store().await.close().await;
    let edited = if place.url.starts_with("sqlite") {
        "UPDATE schema_migration SET checksum = x'00'"
    } else {
        "UPDATE schema_migration SET checksum = '\\x00'"
    };
    run(&place, edited).await;
    let error = Store::connect(&place.url).await.unwrap_err();
    assert_eq!(error.code(), "store-migration-changed");
}

pub(crate) async fn what_is_stored_survives_a_restart(place: Place) {
    let store = place.store().await;
    let finding = finding("CVE-1", "zlib1g", Severity::High);
    scan(&store, &image(1), report(vec![finding.clone()]), 1).await;
    let before = store.finding(&tenant(), &fingerprint(&image(1), &finding)).await.unwrap().unwrap();
    store.close().await;
    assert_eq!(store.ledger(&tenant()).await.unwrap_err().code(), "store-query-failed");
    let store = place.store().await;
    let after = store.finding(&tenant(), &fingerprint(&image(1), &finding)).await.unwrap().unwrap();
    assert_eq!(before, after);
    assert_eq!(after.stored.finding, finding);
}
