use std::io::{Read as _, Seek as _, Write as _};
use std::sync::Mutex;

use certus_store::{Content, Listed, Meta, Object, Over};

use super::*;

/// How a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing is done.
    Before,
    /// It is done, and nobody is told.
    After,
    /// Other bytes are written than were given.
    Damage,
    /// Part is written, and nobody is told.
    Half,
}

impl Fault {
    pub(super) const ALL: [Self; 4] = [Self::Before, Self::After, Self::Damage, Self::Half];
}

/// What goes wrong, in all places together: the call that it counts down to, and from then on, or not.
#[derive(Debug, Default)]
pub(super) struct Script {
    next: Mutex<Option<(usize, Fault)>>,
    calls: Mutex<usize>,
}

impl Script {
    /// The `n`th call from now on goes wrong, counted from 0.
    pub(super) fn strike(&self, n: usize, fault: Fault) {
        *self.next.lock().unwrap() = Some((n, fault));
        *self.calls.lock().unwrap() = 0;
    }

    /// Whether it did.
    pub(super) fn is_done(&self) -> bool {
        self.next.lock().unwrap().is_none()
    }

    fn call(&self) -> Option<Fault> {
        let mut calls = self.calls.lock().unwrap();
        let mut next = self.next.lock().unwrap();
        let fault = next.filter(|(n, _)| *n == *calls).map(|(_, fault)| fault);
        *calls += 1;
        if fault.is_some() {
            *next = None;
        }
        fault
    }
}

/// Objects in memory, in a store that fails as it is told.
#[derive(Debug)]
pub(super) struct Unreliable {
    name: &'static str,
    script: Arc<Script>,
    /// What is there, with what it carries.
    objects: Mutex<BTreeMap<String, (Vec<u8>, Option<Meta>)>>,
    /// Whether it keeps what objects carry.
    remembers: bool,
}

impl Unreliable {
    pub(super) fn new(name: &'static str, script: &Arc<Script>, remembers: bool) -> Arc<Self> {
        Arc::new(Self { name, script: Arc::clone(script), objects: Mutex::default(), remembers })
    }

    fn failed(&self, key: &str) -> certus_store::Error {
        let (what, place) = (key.to_owned(), self.place());
        certus_store::Error::Blob { what, done: "reached", place, cause: "503".into() }
    }

    /// Does `work`, or what is to go wrong in its place.
    fn does<T>(
        &self,
        key: &str,
        work: impl FnOnce(Option<Fault>) -> Result<T, certus_store::Error>,
    ) -> Result<T, certus_store::Error> {
        match self.script.call() {
            None => work(None),
            Some(Fault::Before) => Err(self.failed(key)),
            Some(fault) => {
                let done = work(Some(fault));
                if fault == Fault::Damage { done } else { Err(self.failed(key)) }
            }
        }
    }

    fn write(&self, key: &str, mut bytes: Vec<u8>, meta: &Meta, over: Over, fault: Option<Fault>) {
        match fault {
            Some(Fault::Damage) => bytes[0] ^= 1,
            Some(Fault::Half) => bytes.truncate(bytes.len() / 2),
            _ => {}
        }
        let mut objects = self.objects.lock().unwrap();
        if over == Over::Anything || !objects.contains_key(key) {
            objects.insert(key.to_owned(), (bytes, Some(meta.clone()).filter(|_| self.remembers)));
        }
    }
}

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

impl Objects for Unreliable {
    fn place(&self) -> String {
        format!("memory://{}", self.name)
    }

    fn uri(&self, key: &str) -> String {
        format!("memory://{}/{key}", self.name)
    }

    fn look<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Option<Object>, certus_store::Error>> {
        let looked = self.does(key, |_| {
            let objects = self.objects.lock().unwrap();
            Ok(objects.get(key).map(|(bytes, meta)| Object { size: bytes.len() as u64, meta: meta.clone() }))
        });
        Box::pin(async move { looked })
    }

    fn put<'a>(
        &'a self,
        key: &'a str,
        content: Content<'a>,
        meta: &'a Meta,
        over: Over,
    ) -> BoxFuture<'a, Result<(), certus_store::Error>> {
        let put = self.does(key, |fault| {
            let mut bytes = Vec::new();
            content.copy_to(&mut bytes, meta).map_err(|_| self.failed(key))?;
            self.write(key, bytes, meta, over, fault);
            Ok(())
        });
        Box::pin(async move { put })
    }

    fn copy<'a>(
        &'a self,
        from: &'a dyn Objects,
        from_key: &'a str,
        key: &'a str,
        meta: &'a Meta,
    ) -> BoxFuture<'a, Result<(), certus_store::Error>> {
        Box::pin(async move {
            let mut bytes = Vec::new();
            from.open(from_key).await?.read_to_end(&mut bytes).unwrap();
            self.does(key, |fault| {
                self.write(key, bytes, meta, Over::Anything, fault);
                Ok(())
            })
        })
    }

    fn open<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<File, certus_store::Error>> {
        let opened = self.does(key, |fault| {
            let objects = self.objects.lock().unwrap();
            let (bytes, _) = objects.get(key).ok_or_else(|| certus_store::Error::Gone { what: key.to_owned() })?;
            let mut bytes = bytes.clone();
            if fault == Some(Fault::Damage) {
                bytes[0] ^= 1;
            }
            Ok(file(&bytes))
        });
        Box::pin(async move { opened })
    }

    fn list<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<Listed>, certus_store::Error>> {
        let listed = self.does(prefix, |_| {
            let objects = self.objects.lock().unwrap();
            let below = objects.iter().filter(|(key, _)| key.starts_with(prefix));
            Ok(below.map(|(key, (bytes, _))| Listed { key: key.clone(), size: bytes.len() as u64 }).collect())
        });
        Box::pin(async move { listed })
    }

    fn remove<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), certus_store::Error>> {
        let removed = self.does(key, |_| {
            self.objects.lock().unwrap().remove(key);
            Ok(())
        });
        Box::pin(async move { removed })
    }
}
