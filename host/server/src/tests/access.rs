//! Who may see and do what.

use std::net::SocketAddr;

use super::*;

#[tokio::test]
async fn keys_that_open_nothing_look_alike() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    let expired = key(&fixture.store, "acme", Role::Tenant, Scope::Write, 0).await;
    let revoked = key(&fixture.store, "acme", Role::Tenant, Scope::Read, 61).await;
    fixture.store.revoke_key(Reach::All, &revoked[7..19], "test").await.unwrap().unwrap();
    let wrong = format!("{}{}", &fixture.acme[..20], "0".repeat(64));
    let unknown = format!("certus_000000000000_{}", "0".repeat(64));
    for bad in ["", "nonsense", &expired, &revoked, &wrong, &unknown] {
        for path in [SCANS.to_owned(), format!("{SCANS}/{id}"), "/v1/audit-events".into(), "/v1/admin/users".into()] {
            let answer = fixture.get(bad, &path).await;
            answer.is_problem(401, "unauthenticated");
            assert!(answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Bearer"));
            assert_eq!(answer.json["detail"], "Send a valid key as `Authorization: Bearer …`");
        }
    }
    let by_header = Request::get(format!("{SCANS}/{id}")).header("x-api-key", &fixture.acme);
    assert_eq!(fixture.send(by_header.body(Body::empty()).unwrap()).await.status, 200);
}

#[tokio::test]
async fn scopes_and_roles_bind() {
    let fixture = Fixture::new().await;
    let reader = key(&fixture.store, "acme", Role::Tenant, Scope::Read, 60).await;
    assert_eq!(fixture.get(&reader, SCANS).await.status, 200);
    fixture.post(&reader, SCANS, scan()).await.is_problem(403, "forbidden");
    fixture.get(&fixture.acme, "/v1/admin/tenants").await.is_problem(403, "forbidden");
    assert_eq!(fixture.get(&fixture.admin, "/v1/admin/tenants").await.status, 200);
}

#[tokio::test]
async fn what_is_anothers_looks_as_if_it_were_not_there() {
    let fixture = Fixture::new().await;
    let id = fixture.submit(&fixture.acme).await;
    let absent = "test_000000000000";
    for tail in ["", "/artifacts", "/artifacts/scan.json", "/findings", "/stream"] {
        let foreign = fixture.get(&fixture.other, &format!("{SCANS}/{id}{tail}")).await;
        let missing = fixture.get(&fixture.other, &format!("{SCANS}/{absent}{tail}")).await;
        foreign.is_problem(404, "not-found");
        let without_id = |answer: &Answer| {
            let mut json = answer.json.clone();
            json["request_id"].take();
            json
        };
        assert_eq!(without_id(&foreign), without_id(&missing), "{tail}");
        assert_eq!(foreign.json["detail"], "Scan not found");
    }
    for tail in ["cancel", "replay"] {
        fixture.post(&fixture.other, &format!("{SCANS}/{id}/{tail}"), json!({})).await.is_problem(404, "not-found");
    }
    assert_eq!(fixture.get(&fixture.other, SCANS).await.json["items"], json!([]));
    assert_eq!(fixture.get(&fixture.acme, &format!("{SCANS}/{id}")).await.json["tenant_id"], "acme");
    assert_eq!(fixture.get(&fixture.admin, &format!("{SCANS}/{id}")).await.status, 200);
    let events = fixture.get(&fixture.other, "/v1/audit-events").await.text;
    assert!(!events.contains(&id) && !events.contains("acme"), "{events}");
}

#[tokio::test]
async fn administrators_make_what_tenants_use() {
    let fixture = Fixture::new().await;
    let made = fixture.post(&fixture.admin, "/v1/admin/tenants", json!({"id": "new", "name": "New"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    let again = fixture.post(&fixture.admin, "/v1/admin/tenants", json!({"id": "new", "name": "New"})).await;
    again.is_problem(409, "exists");
    let user = fixture.post(&fixture.admin, "/v1/admin/users", json!({"tenant_id": "new", "name": "ada"})).await;
    assert_eq!((user.status.as_u16(), &user.json["role"]), (201, &json!("tenant")));
    let body = json!({"user_id": user.json["id"], "name": "ci", "expires_in_days": 1});
    let made = fixture.post(&fixture.admin, "/v1/admin/api-keys", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let ada = made.json["api_key"].as_str().unwrap();
    fixture.submit(ada).await;
    let listed = fixture.get(ada, "/v1/api-keys").await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 1);
    assert!(!listed.text.contains(&ada[20..]), "no secret is listed");

    let own = fixture.post(ada, "/v1/api-keys", json!({"name": "mine", "scope": "read"})).await;
    let own_key = own.json["api_key"].as_str().unwrap().to_owned();
    assert_eq!(fixture.get(&own_key, SCANS).await.status, 200);
    let revoke = format!("/v1/api-keys/{}", own.json["id"].as_str().unwrap());
    let revoke = |key: &str| request("DELETE", &revoke, key).body(Body::empty()).unwrap();
    fixture.send(revoke(&fixture.acme)).await.is_problem(404, "not-found");
    assert_eq!(fixture.send(revoke(ada)).await.status, 200);
    fixture.get(&own_key, SCANS).await.is_problem(401, "unauthenticated");

    let change = |body: Value| {
        let request = request("PATCH", "/v1/admin/tenants/new", &fixture.admin);
        fixture.send(request.body(body.to_string().into()).unwrap())
    };
    for reference in ["new", "pkcs11:token=certus;object=new", "awskms:///alias/new"] {
        let changed = change(json!({"signing_key": reference})).await;
        assert_eq!((changed.status.as_u16(), &changed.json["signing_key"]), (200, &json!(reference)), "{changed:?}");
    }
    let refused =
        ["/etc/passwd", "../new", "development", "pkcs11:object=new?module-path=/tmp/x.so", "awskms://elsewhere/new"];
    for reference in refused {
        change(json!({"signing_key": reference})).await.is_problem(422, "invalid");
    }
    let kept = fixture.get(&fixture.admin, "/v1/admin/tenants").await;
    assert!(kept.text.contains("awskms:///alias/new"), "{}", kept.text);
    assert_eq!(change(json!({"signing_key": "none"})).await.json["signing_key"], Value::Null);
    let changed = change(json!({"disabled": true})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    fixture.get(ada, SCANS).await.is_problem(401, "unauthenticated");
}

#[tokio::test]
async fn no_tenant_takes_an_administrators_key_or_makes_one() {
    let fixture = Fixture::new().await;
    let revoke = request("DELETE", &format!("/v1/api-keys/{}", &fixture.admin[7..19]), &fixture.other);
    fixture.send(revoke.body(Body::empty()).unwrap()).await.is_problem(403, "forbidden");
    let admin = fixture.store.users(Reach::All).await.unwrap().into_iter().find(|user| user.role == Role::Admin);
    let body = json!({"name": "x", "user_id": admin.unwrap().id});
    fixture.post(&fixture.other, "/v1/api-keys", body).await.is_problem(422, "invalid");
}

#[tokio::test]
async fn without_keys_only_this_machine_asks() {
    let tenant: TenantId = "acme".parse().unwrap();
    let fixture = Fixture::with(|config| config.authentication = Authentication::Development { tenant }).await;
    let ask = |peer: &str, host: &str, origin: Option<&str>| {
        let mut request = Request::get(SCANS).header(header::HOST, host);
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let peer: SocketAddr = peer.parse().unwrap();
        fixture.send(request.extension(Peer(peer)).body(Body::empty()).unwrap())
    };
    assert_eq!(ask("127.0.0.1:5", "localhost:8056", None).await.status, 200);
    assert_eq!(ask("[::1]:5", "[::1]:8056", Some("http://[::1]:8056")).await.status, 200);
    ask("192.0.2.1:5", "localhost:8056", None).await.is_problem(403, "not-loopback");
    ask("127.0.0.1:5", "evil.example", None).await.is_problem(403, "not-loopback");
    ask("127.0.0.1:5", "localhost:8056", Some("https://evil.example")).await.is_problem(403, "foreign-origin");
}
