use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn store() -> (tempfile::TempDir, KeyStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = KeyStore::at(folder.path().join("config/keys"));
    (folder, store)
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_made_key_is_private_and_can_be_loaded_and_found() {
    let (_guard, store) = store();
    let made = store.generate(&name("release"), &Password::new("p")).unwrap();
    assert_eq!(mode(store.folder()), 0o700);
    assert_eq!(mode(&store.folder().join("release.key")), 0o600);
    assert_eq!(mode(&store.folder().join("release.pub")), 0o644);
    assert_eq!(mode(&store.folder().join("validity.json")), 0o644);
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 3, "no temporary file is left");

    let key = store.load(&name("release"), &Password::new("p")).unwrap();
    assert_eq!((key.public(), key.is_development()), (&made.public, false));
    assert_eq!(store.show(&name("release")).unwrap(), made);
    assert_eq!(store.list().unwrap(), std::slice::from_ref(&made));
    assert_eq!(store.verification_keys().unwrap().get(&made.public.key_id()), Some(&made.public));
    assert!(matches!(store.load(&name("release"), &Password::new("q")), Err(Error::InFile { .. })));
}

#[test]
fn an_existing_name_is_never_overwritten() {
    for taken in ["a.key", "a.pub"] {
        let (_guard, store) = store();
        fs::create_dir_all(store.folder()).unwrap();
        set_mode(store.folder(), 0o700);
        fs::write(store.folder().join(taken), "mine").unwrap();
        let error = store.generate(&name("a"), &Password::default()).unwrap_err();
        assert!(matches!(error, Error::KeyExists(_)), "{taken}: {error}");
        assert_eq!(fs::read_to_string(store.folder().join(taken)).unwrap(), "mine");
        assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 1, "{taken}: nothing else is left");
    }
    let (_guard, store) = store();
    assert!(matches!(store.generate(&name("development"), &Password::default()), Err(Error::ReservedName(_))));
}

#[test]
fn unsafe_permissions_are_refused_with_the_fix() {
    let (_guard, store) = store();
    store.generate(&name("a"), &Password::default()).unwrap();
    let file = store.folder().join("a.key");
    for unsafe_mode in [0o640, 0o604, 0o660] {
        set_mode(&file, unsafe_mode);
        let error = store.load(&name("a"), &Password::default()).unwrap_err();
        assert!(error.to_string().contains(&format!("chmod 600 {}", file.display())), "{error}");
        assert!(matches!(SigningKey::from_file(&file, &Password::default()), Err(Error::ReadableByOthers { .. })));
    }
    set_mode(&file, 0o400);
    store.load(&name("a"), &Password::default()).unwrap();
    SigningKey::from_file(&file, &Password::default()).unwrap();
    for unsafe_mode in [0o770, 0o702] {
        set_mode(store.folder(), unsafe_mode);
        assert!(matches!(store.verification_keys(), Err(Error::WritableByOthers { .. })), "{unsafe_mode:o}");
    }
}

#[test]
fn the_development_key_is_made_once_and_says_what_it_is() {
    let (_guard, store) = store();
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| store.development().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let id = made[0].public().key_id();
    assert!(made.iter().all(|key| key.is_development() && key.public().key_id() == id));
    assert_eq!(mode(&store.folder().join("development.key")), 0o600);
    assert!(store.verification_keys().unwrap().is_development(&id));
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 2, "no temporary file is left");
    // By name and by path it stays what it is.
    assert!(store.load(&name("development"), &Password::default()).unwrap().is_development());
    let file = store.folder().join("development.key");
    assert!(SigningKey::from_file(&file, &Password::default()).unwrap().is_development());
    // A lost public half is made again.
    fs::remove_file(store.folder().join("development.pub")).unwrap();
    assert_eq!(store.development().unwrap().public().key_id(), id);
    assert!(store.verification_keys().unwrap().is_development(&id));
}

#[test]
fn what_is_not_there_or_no_key_is_named() {
    let (_guard, store) = store();
    assert!(store.list().unwrap().is_empty(), "a folder that does not exist holds no keys");
    assert!(!store.folder().exists(), "and looking does not make it");
    assert!(matches!(store.show(&name("a")), Err(Error::NoSuchKey { .. })));
    assert!(matches!(store.load(&name("a"), &Password::default()), Err(Error::NoSuchKey { .. })));
    store.generate(&name("a"), &Password::default()).unwrap();
    assert!(matches!(store.load(&name("b"), &Password::default()), Err(Error::NoSuchKey { .. })));

    let table = [("bad.pub", "text"), ("Not A Name.pub", ""), ("huge.pub", &*"x".repeat(70_000))];
    for (file, text) in table {
        let path = store.folder().join(file);
        fs::write(&path, text).unwrap();
        let error = store.list().unwrap_err().to_string();
        assert!(error.contains(file), "{file}: {error}");
        fs::remove_file(path).unwrap();
    }
    fs::write(store.folder().join("notes.txt"), "x").unwrap();
    assert_eq!(store.list().unwrap().len(), 1);
}

const DAY: time::Duration = time::Duration::DAY;

#[test]
fn a_made_key_is_valid_for_a_year() {
    let (_guard, store) = store();
    let before = OffsetDateTime::now_utc() - time::Duration::SECOND;
    let made = store.generate(&name("a"), &Password::default()).unwrap();
    let (from, until) = (made.validity.not_before.unwrap(), made.validity.not_after.unwrap());
    assert!(from >= before && from <= OffsetDateTime::now_utc(), "{from}");
    assert_eq!(until - from, 365 * DAY);
    assert_eq!((made.due(from), made.due(until - DAY)), (Rotation::Fine, Rotation::Soon { days: 1 }));
    let (id, keys) = (made.public.key_id(), store.verification_keys().unwrap());
    keys.good_at(&id, from).unwrap();
    assert!(matches!(keys.good_at(&id, from - DAY), Err(Error::KeyNotYet { .. })));
    assert!(matches!(keys.good_at(&id, until), Err(Error::KeyExpired { .. })));
    assert!(matches!(keys.good_at(&Sha256::of(b"another"), from), Err(Error::UnknownSigner(_))));
    // The development key has no end.
    let development = store.development().unwrap().public().key_id();
    store.verification_keys().unwrap().good_at(&development, from + 36_500 * DAY).unwrap();
}

#[test]
fn case_125_a_key_out_of_its_time_is_not_opened_by_name_or_by_path() {
    let now = OffsetDateTime::now_utc();
    let table = [
        ("valid", Validity::days(now, 1), None),
        ("expired", Validity::days(now - 2 * DAY, 1), Some("ran out at")),
        ("early", Validity::days(now + DAY, 1), Some("is not valid before")),
    ];
    let (_guard, store) = store();
    for (key, validity, says) in table {
        store.generate_valid(&name(key), &Password::default(), validity).unwrap();
        let file = store.folder().join(format!("{key}.key"));
        let (named, path) =
            (store.load(&name(key), &Password::default()), SigningKey::from_file(&file, &Password::default()));
        match says {
            None => drop((named.unwrap().sign(b"x").unwrap(), path.unwrap().sign(b"x").unwrap())),
            Some(says) => {
                let (named, path) = (named.unwrap_err().to_string(), path.unwrap_err().to_string());
                assert!(named.contains(says) && path == named, "{key}: {named}; {path}");
            }
        }
    }
}

#[test]
fn case_125_a_key_that_runs_out_while_it_is_open_signs_no_more() {
    let key = SigningKey::generate().unwrap();
    let until = OffsetDateTime::now_utc() + time::Duration::milliseconds(50);
    let key = key.limited_to(Validity { not_after: Some(until), ..Validity::default() }).unwrap();
    while OffsetDateTime::now_utc() < until {
        std::thread::yield_now();
    }
    assert!(matches!(key.sign(b"x"), Err(Error::KeyExpired { .. })));
}

#[test]
fn case_125_a_key_that_is_revoked_while_it_is_open_signs_no_more() {
    let (_guard, store) = store();
    let (a, password) = (name("a"), Password::default());
    let id = store.generate(&a, &password).unwrap().public.key_id();
    let open =
        [store.load(&a, &password).unwrap(), SigningKey::from_file(&store.folder().join("a.key"), &password).unwrap()];
    open.iter().for_each(|key| drop(key.sign(b"x").unwrap()));
    store.revoke(&id.to_string(), "left in a train", OffsetDateTime::now_utc() - DAY).unwrap();
    for key in &open {
        assert!(matches!(key.sign(b"x"), Err(Error::KeyRevoked { .. })));
    }
}

#[test]
fn a_rotated_key_leaves_what_it_signed_verifiable() {
    let (_guard, store) = store();
    let (a, password) = (name("a"), Password::new("p"));
    store.generate(&a, &password).unwrap();
    let mut signed = Vec::new();
    for round in 0..3 {
        let key = store.load(&a, &password).unwrap();
        signed.push((key.public().clone(), key.sign(b"x").unwrap()));
        let new = store.rotate(&a, &password).unwrap();
        assert_ne!(new.public, *key.public(), "{round}");
        assert_eq!(store.load(&a, &password).unwrap().public(), &new.public, "{round}: the old half signs no more");
        assert_eq!(mode(&store.folder().join("a.key")), 0o600);
    }
    let keys = store.verification_keys().unwrap();
    for (public, signature) in &signed {
        keys.get(&public.key_id()).unwrap().verify(b"x", signature).unwrap();
        keys.good_at(&public.key_id(), OffsetDateTime::now_utc()).unwrap();
    }
    let list = store.list().unwrap();
    let late = OffsetDateTime::now_utc() + 400 * DAY;
    assert!(list.iter().all(|key| key.due(late) == if key.replaced { Rotation::Fine } else { Rotation::Overdue }));
    let shown: Vec<_> = list.iter().map(|key| (key.name.as_str(), key.can_sign, key.replaced)).collect();
    assert_eq!(shown, [("a", true, false), ("a", false, true), ("a", false, true), ("a", false, true)]);
    // One private half, a public one a key, one record.
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 1 + 4 + 1);
}

#[test]
fn a_rotation_that_stopped_halfway_can_be_repeated() {
    let (_guard, store) = store();
    let (a, password) = (name("a"), Password::default());
    let old = store.generate(&a, &password).unwrap().public;
    // As a crash after the third of its four steps leaves it: the new public half, the old private one.
    let private = fs::read(store.folder().join("a.key")).unwrap();
    let lost = store.rotate(&a, &password).unwrap().public;
    fs::write(store.folder().join("a.key"), private).unwrap();

    let key = store.load(&a, &password).unwrap();
    assert_eq!(key.public(), &old);
    assert!(store.verification_keys().unwrap().get(&old.key_id()).is_some(), "what signs verifies");
    let new = store.rotate(&a, &password).unwrap().public;
    assert_eq!(store.load(&a, &password).unwrap().public(), &new);
    let keys = store.verification_keys().unwrap();
    assert!([old, lost, new].iter().all(|key| keys.get(&key.key_id()).is_some()));
}

#[test]
fn only_a_key_that_signs_here_is_rotated() {
    let (_guard, store) = store();
    let public = SigningKey::generate().unwrap().public().clone();
    let imported = store.import(&name("hsm"), &public, Validity::default()).unwrap();
    assert!(!imported.can_sign);
    assert!(matches!(store.import(&name("hsm"), &public, Validity::default()), Err(Error::KeyExists(_))));
    let (now, other) = (OffsetDateTime::now_utc(), SigningKey::generate().unwrap());
    let soon = store.import(&name("kms"), other.public(), Validity::days(now, 7)).unwrap();
    assert_eq!((soon.due(now), imported.due(now)), (Rotation::Soon { days: 7 }, Rotation::Fine));
    store.development().unwrap();
    let rotate = |key: &str| store.rotate(&name(key), &Password::default()).unwrap_err();
    assert!(matches!(rotate("hsm"), Error::KeyElsewhere(_)));
    assert!(matches!(rotate("development"), Error::ReservedName(_)));
    assert!(matches!(rotate("absent"), Error::NoSuchKey { .. }));
    assert_eq!(store.show(&name("hsm")).unwrap(), imported);
}

#[test]
fn a_revoked_key_is_not_opened_and_what_it_signed_before_counts() {
    let (_guard, store) = store();
    let (now, password) = (OffsetDateTime::now_utc(), Password::default());
    for (key, by_id) in [("a", false), ("b", true)] {
        let made = store.generate_valid(&name(key), &password, Validity::days(now - DAY, 365)).unwrap();
        let id = made.public.key_id();
        store.load(&name(key), &password).unwrap();
        let which = if by_id { id.to_string() } else { key.to_owned() };
        assert_eq!(store.revoke(&which, "the laptop was lost", now + DAY).unwrap(), id);
        store.load(&name(key), &password).unwrap();
        // The earlier time counts, in whatever order it is said.
        for since in [now, now + DAY] {
            store.revoke(&which, "lost earlier", since).unwrap();
        }
        let error = store.load(&name(key), &password).unwrap_err();
        assert!(matches!(&error, Error::KeyRevoked { reason, .. } if reason == "lost earlier"), "{error}");
        let keys = store.verification_keys().unwrap();
        assert!(keys.good_at(&id, now).is_err());
        keys.good_at(&id, now - time::Duration::HOUR).unwrap();
        assert_eq!(store.show(&name(key)).unwrap().due(now), Rotation::Overdue);
        // Another key may take the name.
        store.rotate(&name(key), &password).unwrap();
        store.load(&name(key), &password).unwrap();
    }
    assert!(matches!(store.revoke("absent", "", now), Err(Error::NoSuchKey { .. })));
    let elsewhere = Sha256::of(b"a key of a service");
    store.revoke(&elsewhere.to_string(), "stolen", now).unwrap();
    assert!(store.validity(&elsewhere).unwrap().check(&elsewhere, now).is_err());
}

#[test]
fn changes_from_several_sides_are_all_kept() {
    let (_guard, store) = store();
    store.generate(&name("shared"), &Password::default()).unwrap();
    std::thread::scope(|scope| {
        for number in 0..4 {
            let store = &store;
            scope.spawn(move || {
                store.generate(&name(&format!("own-{number}")), &Password::default()).unwrap();
                store.rotate(&name("shared"), &Password::default()).unwrap();
            });
        }
    });
    let list = store.list().unwrap();
    assert_eq!(list.len(), 4 + 5);
    assert!(list.iter().all(|key| key.validity.not_after.is_some()), "{list:?}");
}

#[test]
fn a_damaged_record_stops_signing() {
    let (_guard, store) = store();
    store.generate(&name("a"), &Password::default()).unwrap();
    let (record, file) = (store.folder().join("validity.json"), store.folder().join("a.key"));
    let good = fs::read_to_string(&record).unwrap();
    let bad = [
        String::new(),
        good.replace("not-after", "not-afterwards"),
        good.replace("T", " at "),
        good.replacen('"', "\"x", 1),
        " ".repeat(2 << 20),
    ];
    for text in bad {
        fs::write(&record, &text).unwrap();
        assert!(store.load(&name("a"), &Password::default()).is_err(), "{text:.100}");
        assert!(SigningKey::from_file(&file, &Password::default()).is_err(), "{text:.100}");
        assert!(store.verification_keys().is_err(), "{text:.100}");
    }
    fs::write(&record, good).unwrap();
    store.load(&name("a"), &Password::default()).unwrap();
}

#[test]
fn a_replaced_key_is_named_by_its_id() {
    let (_guard, store) = store();
    store.generate(&name("a"), &Password::default()).unwrap();
    store.rotate(&name("a"), &Password::default()).unwrap();
    let planted = store.folder().join("a.00000000.pub");
    fs::copy(store.folder().join("a.pub"), &planted).unwrap();
    assert!(matches!(store.list(), Err(Error::BadKeyFileName { .. })));
    fs::remove_file(planted).unwrap();
    assert_eq!(store.list().unwrap().len(), 2);
}
