//! The promise of the store, kept by both databases: every test here runs over SQLite in a temporary directory and over a
//! Postgres server that this binary starts, one database per test. Without Postgres programs its half says that it was
//! skipped.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "every function here is part of a test: a panic is how a test fails"
)]

#[path = "contract/audit.rs"]
mod audit;
#[path = "contract/backtests.rs"]
mod backtests;
#[path = "contract/events.rs"]
mod events;
#[path = "contract/follow.rs"]
mod follow;
#[path = "contract/imports.rs"]
mod imports;
#[path = "contract/lifecycle.rs"]
mod lifecycle;
#[path = "contract/lists.rs"]
mod lists;
#[path = "contract/migration.rs"]
mod migration;
#[path = "contract/model_check.rs"]
mod model_check;
#[path = "contract/plugins.rs"]
mod plugins;
#[path = "contract/postgres.rs"]
mod postgres;
#[path = "contract/records.rs"]
mod records;
#[path = "contract/responses.rs"]
mod responses;
#[path = "contract/risk.rs"]
mod risk;
#[path = "contract/scopes.rs"]
mod scopes;
#[path = "contract/tickets.rs"]
mod tickets;
#[path = "contract/triage.rs"]
mod triage;
#[path = "contract/world.rs"]
mod world;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use store::Store;

/// A database of its own for one test.
pub(crate) struct Place {
    pub(crate) url: String,
    _directory: Option<tempfile::TempDir>,
}

impl Place {
    pub(crate) async fn store(&self) -> Store {
        Store::connect(&self.url).await.unwrap()
    }
}

fn sqlite() -> Option<Place> {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("store.db").display());
    Some(Place { url, _directory: Some(directory) })
}

async fn postgres() -> Option<Place> {
    static SERVER: OnceLock<Result<postgres::Server, String>> = OnceLock::new();
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    // Durability is the business of the chaos tests; here it would only cost time.
    let settings = "-c fsync=off -c full_page_writes=off -c max_connections=300 -c shared_buffers=64MB";
    match SERVER.get_or_init(|| postgres::Server::start(settings)) {
        Ok(server) => {
            let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
            let admin = sqlx::PgPool::connect(&server.url("postgres")).await.unwrap();
            let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
            sqlx::raw_sql(statement).execute(&admin).await.unwrap();
            Some(Place { url: server.url(&name), _directory: None })
        }
        Err(reason) => {
            eprintln!("skipped: Postgres half of the store's contract ({reason})");
            None
        }
    }
}

macro_rules! contract {
    ($($module:ident::$name:ident),* $(,)?) => {
        mod over_sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let place = super::sqlite().unwrap();
                super::$module::$name(place).await;
            })*
        }
        mod over_postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(place) = super::postgres().await {
                    super::$module::$name(place).await;
                }
            })*
        }
    };
}

contract![
    backtests::a_backtest_is_accepted_with_its_message_and_ends_once,
    backtests::the_newest_backtests_are_kept_and_those_that_wait,
    imports::a_report_closes_what_its_source_does_not_find_any_more_and_nothing_else,
    imports::what_two_find_is_open_until_neither_does,
    imports::our_own_word_on_a_finding_is_kept_whoever_else_finds_it,
    imports::a_report_that_is_older_or_not_whole_closes_nothing,
    imports::any_order_of_reports_leaves_open_what_somebody_finds,
    imports::a_report_is_accepted_once_with_its_bytes_and_message,
    lifecycle::a_finding_opens_changes_is_fixed_and_reopens,
    lifecycle::a_gap_keeps_open_what_it_could_hide,
    lifecycle::a_redelivered_result_has_no_second_effect,
    lifecycle::an_older_scan_does_not_undo_a_newer_one,
    lifecycle::failed_scans_stay_failed,
    lifecycle::workers_on_one_asset_take_turns,
    lifecycle::one_message_delivered_to_many_workers_counts_once,
    lifecycle::a_cancelled_result_is_there_whole_or_not_at_all,
    lifecycle::counters_follow_what_is_open,
    lifecycle::hostile_text_is_kept_as_data,
    lists::pages_cover_everything_once_in_every_order,
    lists::filters_agree_with_a_plain_search,
    lists::facets_count_what_lists_show,
    lists::bad_cursors_are_refused,
    lists::assets_packages_and_aliases,
    lists::hot_lists_walk_an_index,
    risk::a_finding_matters_by_where_it_is,
    risk::an_image_is_known_by_the_digest_of_its_index,
    risk::findings_of_before_are_given_their_risk,
    risk::the_highest_risk_comes_first_and_what_is_gone_last,
    risk::groups_are_what_their_findings_are,
    records::the_same_submission_is_the_same_scan,
    records::many_clients_with_one_key_get_one_scan,
    records::the_outbox_holds_what_was_not_sent,
    records::the_ledger_balances,
    records::tokens_are_found_by_hash_only,
    records::tenants_do_not_see_each_other,
    records::scans_are_listed_newest_first,
    plugins::one_version_is_in_force_and_one_beside_it,
    plugins::many_who_decide_at_once_leave_one_in_force,
    plugins::state_belongs_to_a_plugin_and_a_tenant,
    plugins::the_audit_log_keeps_order_and_bounds,
    audit::the_audit_log_tells_what_was_changed,
    audit::an_audit_log_that_grows_is_sound_all_the_time,
    audit::the_audit_log_is_read_by_who_and_what,
    scopes::resources_follow_the_newest_scan,
    scopes::resources_are_filtered_and_counted,
    scopes::assessments_make_a_trend,
    scopes::evidence_is_a_chain_that_tells_what_was_changed,
    scopes::evidence_that_grows_while_it_is_verified_is_whole,
    follow::a_change_touches_what_was_judged_and_nothing_else,
    follow::a_change_goes_on_from_the_newest_scan_alone,
    follow::one_process_follows_a_cluster,
    responses::a_run_is_kept_and_goes_on_where_it_stood,
    responses::of_many_who_go_on_with_a_run_one_does,
    responses::runs_come_in_pages_the_newest_first,
    responses::a_budget_is_never_exceeded_by_many_at_once,
    responses::the_ledger_tells_what_was_changed,
    responses::a_ledger_that_grows_while_it_is_verified_is_whole,
    responses::the_kill_switch_is_of_a_tenant_and_a_playbook,
    events::a_batch_is_committed_once_and_read_again,
    events::who_has_no_lease_commits_nothing,
    events::what_people_say_of_an_incident_stays_until_it_goes_on,
    events::an_incident_that_becomes_part_of_another_takes_its_story_along,
    events::rules_are_counted_with_what_people_made_of_them,
    events::detections_and_events_are_listed_by_their_incident,
    events::a_source_has_one_name_and_one_token,
    triage::what_people_say_stays_and_what_is_set_aside_does_not_count,
    triage::what_its_finder_suppressed_stays_suppressed,
    triage::many_findings_change_as_a_job_that_can_be_taken_back,
    triage::a_finding_has_no_more_tags_than_anybody_can_read,
    triage::what_comes_back_is_another_version,
    triage::a_job_that_is_called_off_stops_where_it_is,
    triage::findings_are_found_by_what_people_made_of_them,
    triage::the_language_asks_a_database_what_it_asks_a_value,
    tickets::findings_become_tickets_and_changes_mark_them,
    tickets::one_fix_is_one_ticket_and_what_fails_waits,
    tickets::one_process_tells_a_destination_at_a_time,
    tickets::where_a_ticket_stands_is_followed_once,
    migration::many_processes_may_start_at_once,
    migration::a_newer_store_is_refused,
    migration::what_is_stored_survives_a_restart,
    model_check::random_histories_agree_with_a_plain_model,
];

#[tokio::test]
async fn urls_of_no_database_are_refused() {
    for url in ["", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite://a.db?mode=memory", "postgres://[::"]
    {
        let error = Store::connect(url).await.unwrap_err();
        assert_eq!(error.code(), "store-url-invalid", "{url}: {error}");
    }
    let error = Store::connect("sqlite:/nonexistent-directory/x.db").await.unwrap_err();
    assert_eq!(error.code(), "store-unreachable");
    let error =
        Store::connect("postgres://me:secret@localhost/x?host=/nonexistent-directory").await.unwrap_err();
    assert_eq!(error.code(), "store-unreachable");
    assert!(!format!("{error:?} {error}").contains("secret"));
    assert!(error.is_transient());
}
