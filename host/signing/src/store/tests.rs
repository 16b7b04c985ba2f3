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
    assert_eq!(fs::read_dir(store.folder()).unwrap().count(), 2, "no temporary file is left");

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
