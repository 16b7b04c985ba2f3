//! A site where nothing may call out: the whole service in a network of its own, watched call by call.

use std::path::Path;
use std::process::Command;

use crate::support::home::Home;

/// A client of the service, in the same network: submits, follows, fetches every file of the bundle.
const CLIENT: &str = r#"
import json, os, sys, time, urllib.request
address, out = sys.argv[1], sys.argv[2]
def ask(path, body=None):
    request = urllib.request.Request(f"http://{address}{path}", data=body and json.dumps(body).encode(),
                                     headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()
scan = json.loads(ask("/v1/security-scans", {"workspace_id": "w", "component_id": "c", "assessment_id": "a",
    "source_type": "directory", "directory_path": "repo", "profile": "smoke"}))
url = "/v1/security-scans/" + scan["test_id"]
while json.loads(ask(url))["status"] in ("queued", "running"):
    time.sleep(0.05)
scan = json.loads(ask(url))
assert scan["status"] == "succeeded", scan
for file in json.loads(ask(url + "/artifacts"))["items"]:
    path = os.path.join(out, file["path"])
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "wb").write(ask(file["url"]))
"#;

/// Starts the service under `strace`, runs the client, stops the service, verifies what was fetched.
const SITE: &str = r#"
set -eu
ip link set lo up
trace=$1; client=$2; out=$3; certus=$4
strace -f -qq -e trace=%network -o "$trace" "$certus" serve 2> log &
serve=$!
for _ in $(seq 600); do grep -q 'listens at' log && break; sleep 0.1; done
address=$(sed -n 's|.*listens at http://\([0-9.:]*\),.*|\1|p' log)
python3 "$client" "$address" "$out"
kill -TERM "$(pgrep -P "$serve")"
wait "$serve" || true
"$certus" verify "$out"
"$certus" db check --bundles
"#;

/// The addresses of a trace, and the families of its sockets.
fn foreign(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).expect("a trace");
    assert!(text.contains("bind(") && text.contains("127.0.0.1"), "the listener is seen");
    let calls = text.lines().filter(|line| {
        let inside = line.contains("inet_addr(\"127.0.0.1\")") || line.contains("AF_UNIX");
        let reaches = ["connect(", "bind(", "sendto(", "sendmsg("].iter().any(|call| line.contains(call));
        let elsewhere = ["AF_NETLINK", "AF_PACKET", "AF_INET6", "SOCK_DGRAM"].iter().any(|what| line.contains(what));
        (reaches && line.contains("sa_family=") && !inside) || (elsewhere && !line.contains("AF_UNIX"))
    });
    calls.map(str::to_owned).collect()
}

#[test]
fn case_129_the_whole_service_works_where_nothing_may_call_out() {
    let works = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !works("unshare", &["-n", "ip", "link", "set", "lo", "up"]) || !works("strace", &["--version"]) {
        println!("skipped: case 129: no network namespaces, `ip` or strace here");
        return;
    }
    let home = Home::new();
    home.workspace("repo");
    let client = home.write("client.py", CLIENT);
    let site = home.write("site.sh", SITE);
    let (trace, out) = (home.path("trace"), home.path("fetched"));
    let plain = home.service(&[("CERTUS_OFFLINE", "true")]);
    let mut command = Command::new("unshare");
    command.args(["-n", "sh"]).args([&site, &trace, &client, &out]).arg(plain.get_program()).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(home.path(""));
    let done = command.output().expect("unshare runs");
    let said = [done.stdout, done.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    let log = std::fs::read_to_string(home.path("log")).unwrap_or_default();
    assert!(done.status.success(), "{said}\n{log}");
    assert!(said.contains("verified") && said.contains("1 on record, every one verified"), "{said}");
    assert_eq!(foreign(&trace), [""; 0]);
}
