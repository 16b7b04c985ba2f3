//! How fast scans are accepted for good and claimed, beside the database itself in the same run.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench prints and may panic"
)]

#[path = "../tests/support/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use certus_model::outcome::Verdict;
use certus_model::request::{RequestedManifest, RequestedSource, ScanRequest};
use certus_model::{Lane, ScanId, ScanStatus, TenantId};
use certus_store::{DatabaseUrl, Ending, JobEnd, NewScan, Store};
use postgres::Database;
use tokio::task::JoinSet;

/// How long each figure is measured.
const SPAN: Duration = Duration::from_secs(5);
const LEASE: Duration = Duration::from_secs(60);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    println!("fdatasync of 4 KiB: {:.1} ms\n", synced(folder.path()) * 1000.0);
    println!("{:<44} {:>12} {:>12}", "", "SQLite", "Postgres");
    let sqlite = DatabaseUrl::sqlite(&folder.path().join("certus.db")).unwrap();
    let server = postgres::server();
    let database = server.map(|server| server.empty());
    let raw = (raw_sqlite(folder.path()), server.map(|server| server.raw(folder.path())));
    row("the database: one-row commits a second", raw.0, raw.1);

    let mut figures = vec![runtime.block_on(measure(&sqlite, &sqlite, None, folder.path(), || {}))];
    if let (Some(server), Some(database)) = (server, &database) {
        let vacuum = || drop(server.sql(database.name(), "VACUUM ANALYZE"));
        let (service, owner) = (&database.service, &database.owner);
        figures.push(runtime.block_on(measure(service, owner, Some(&database.setting), folder.path(), vacuum)));
    }
    let second = figures.get(1);
    for (at, name) in FIGURES.iter().enumerate() {
        row(name, figures[0][at], second.map(|figures| figures[at]));
    }
    row("accepts of the API beside the database", figures[0][0] / raw.0, second.map(|f| f[0] / raw.1.unwrap_or(1.0)));
}

const FIGURES: [&str; 6] = [
    "API: scans accepted a second, 64 clients",
    "API: p99 at 200 a second, ms",
    "claim and finish a second, 8 workers",
    "claims a second, 8 workers",
    "/stats over 100,000 scans, ms",
    "list of 50 of those, by status, ms",
];

fn row(name: &str, sqlite: f64, postgres: Option<f64>) {
    let postgres = postgres.map_or("-".to_owned(), |figure| format!("{figure:.1}"));
    println!("{name:<44} {sqlite:>12.1} {postgres:>12}");
}

/// Seconds of an fdatasync after a write, on the disk that the data lie on.
fn synced(folder: &Path) -> f64 {
    let mut file = std::fs::File::create(folder.join("sync")).unwrap();
    let started = Instant::now();
    for _ in 0..100 {
        file.write_all(&[0; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    started.elapsed().as_secs_f64() / 100.0
}

/// Commits of one row each, by Python's driver, with the same durability.
fn raw_sqlite(folder: &Path) -> f64 {
    let script = "import sqlite3, sys, time\n\
                  db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                  db.execute('PRAGMA journal_mode = WAL'); db.execute('PRAGMA synchronous = FULL')\n\
                  db.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)')\n\
                  n, end = 0, time.time() + 5\n\
                  while time.time() < end:\n    db.execute('INSERT INTO t (body) VALUES (?)', ('x' * 500,)); n += 1\n\
                  print(n / 5)";
    let done = Command::new("python3").args(["-c", script]).arg(folder.join("raw.db")).output().unwrap();
    String::from_utf8(done.stdout).unwrap().trim().parse().unwrap()
}

impl postgres::Server {
    /// Commits of one row each by 8 clients of `pgbench`.
    fn raw(&self, folder: &Path) -> f64 {
        let database = self.empty();
        self.sql(database.name(), "CREATE TABLE t (id BIGSERIAL PRIMARY KEY, body TEXT)");
        let script = folder.join("insert.sql");
        std::fs::write(&script, "INSERT INTO t (body) VALUES (repeat('x', 500));\n").unwrap();
        let mut pgbench = Command::new(postgres::binaries().expect("the server runs").join("pgbench"));
        pgbench.args(["--no-vacuum", "--client=8", "--jobs=2", "--time=5", "--host=127.0.0.1", "--username=owner"]);
        pgbench.arg(format!("--port={}", self.port())).arg("--file").arg(&script).arg(database.name());
        let said = String::from_utf8(pgbench.output().unwrap().stdout).unwrap();
        let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).expect("a figure");
        tps.split(' ').next().unwrap().parse().unwrap()
    }
}

async fn measure(
    url: &DatabaseUrl,
    owner: &DatabaseUrl,
    setting: Option<&str>,
    folder: &Path,
    vacuum: impl Fn(),
) -> [f64; 6] {
    Store::migrate(owner, setting.map(|_| Database::role())).await.unwrap();
    let store = Store::open(url, 16).await.unwrap();
    let tenant: TenantId = "default".parse().unwrap();
    store.create_tenant(&tenant, "default", "bench").await.unwrap();
    let api = Api::start(url, setting, folder);
    let (accepted, _) = api.submits(64, None).await;
    let (_, p99) = api.submits(16, Some(200.0)).await;
    drop(api);
    // As the database does by itself within a minute.
    vacuum();
    let (finished, claimed) = (claims(&store, true).await, claims(&store, false).await);
    fill(&store, &tenant).await;
    vacuum();
    let stats = time(async || drop(store.stats().await.unwrap())).await;
    let filter = certus_store::ScanFilter { status: Some(ScanStatus::Queued), limit: 50, ..Default::default() };
    let list = time(async || drop(store.scans(certus_store::Reach::Tenant(&tenant), &filter).await.unwrap())).await;
    store.close().await;
    [accepted, p99, finished, claimed, stats, list]
}

/// Milliseconds, the median of 21.
async fn time(work: impl AsyncFn()) -> f64 {
    let mut took = Vec::new();
    for _ in 0..21 {
        let started = Instant::now();
        work().await;
        took.push(started.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    took[10]
}

/// A service without workers.
struct Api {
    child: Child,
    url: String,
}

impl Api {
    fn start(url: &DatabaseUrl, setting: Option<&str>, folder: &Path) -> Self {
        let database = setting.map_or_else(|| format!("sqlite:{}", url.file().unwrap().display()), str::to_owned);
        let workspaces = folder.join("workspaces");
        std::fs::create_dir_all(&workspaces).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_certus"));
        command.args(["serve", "--no-workers"]).env("DATABASE_URL", database).env("HOME", folder);
        command.env("CERTUS_ASSURANCE_LISTEN", "127.0.0.1:0").env("CERTUS_ASSURANCE_WORKSPACE_ROOT", workspaces);
        command.env("CERTUS_ASSURANCE_ARTIFACT_ROOT", folder.join("artifacts"));
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains("listens at ")).expect("it listens");
        let address = line.split("listens at ").nth(1).and_then(|rest| rest.split(',').next()).unwrap().to_owned();
        // Its log is read, so that it never waits for the reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url: format!("{address}/v1/security-scans") }
    }

    /// Submits by so many clients, as fast as they can or at a rate; accepted a second, and the p99 in ms.
    async fn submits(&self, clients: u32, rate: Option<f64>) -> (f64, f64) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for number in 0..clients {
            let (client, url) = (client.clone(), self.url.clone());
            tasks.spawn(async move {
                let mut took = Vec::new();
                let pause = rate.map(|rate| Duration::from_secs_f64(f64::from(clients) / rate));
                let mut next = tokio::time::Instant::now() + pause.unwrap_or_default() * number / clients;
                while started.elapsed() < SPAN {
                    if let Some(pause) = pause {
                        tokio::time::sleep_until(next).await;
                        next += pause;
                    }
                    let asked = Instant::now();
                    let body = r#"{"workspace_id":"w","component_id":"c","assessment_id":"a","source_type":"directory","directory_path":"repo"}"#;
                    let request = client.post(&url).header("content-type", "application/json").body(body);
                    let answer = request.send().await.unwrap();
                    assert_eq!(answer.status(), 202);
                    took.push(asked.elapsed().as_secs_f64() * 1000.0);
                }
                took
            });
        }
        let mut took = tasks.join_all().await.concat();
        took.sort_by(f64::total_cmp);
        (took.len() as f64 / started.elapsed().as_secs_f64(), took[took.len() * 99 / 100])
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // It is not needed any more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Jobs a second that 8 workers claim, and finish if they are to.
async fn claims(store: &Store, finish: bool) -> f64 {
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for worker in 0..8 {
        let store = store.clone();
        tasks.spawn(async move {
            let mut done = 0;
            while started.elapsed() < SPAN {
                let claim = store.claim(&format!("bench {worker}"), LEASE, Lane::Interactive).await.unwrap();
                let Some(claim) = claim else { break };
                if finish {
                    store
                        .finish(&claim.lease, JobEnd::Completed, &Ending::new(ScanStatus::Succeeded, Verdict::Pass))
                        .await
                        .unwrap();
                }
                done += 1;
            }
            done
        });
    }
    let done: u32 = tasks.join_all().await.into_iter().sum();
    f64::from(done) / started.elapsed().as_secs_f64()
}

/// Makes it 100,000 scans.
async fn fill(store: &Store, tenant: &TenantId) {
    let there: i64 = store.stats().await.unwrap().scans.values().sum();
    let mut tasks = JoinSet::new();
    for at in there..100_000 {
        let store = store.clone();
        let new = NewScan {
            id: ScanId::from_random(u128::from(at.unsigned_abs()) << 20 | 1),
            tenant: tenant.clone(),
            workspace: "w".parse().unwrap(),
            component: "c".parse().unwrap(),
            assessment: "a".parse().unwrap(),
            request: ScanRequest {
                source: RequestedSource::Directory { path: "repo".to_owned() },
                profile: "light".to_owned(),
                manifest: RequestedManifest::None,
            },
            requested_by: None,
            mode: "production",
            timeout_ms: 600_000,
            lane: Lane::Batch,
            manifest_digest: None,
            actor: "bench".to_owned(),
            trace: None,
            idempotency: None,
        };
        tasks.spawn(async move { store.submit(new).await.unwrap() });
        if tasks.len() > 1_000 {
            tasks.join_next().await;
        }
    }
    tasks.join_all().await;
}
