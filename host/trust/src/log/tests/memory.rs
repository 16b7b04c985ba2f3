//! A place in memory that fails when it is told to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;

use crate::log::{Error, Sequencer, Shelf, Turn};

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) files: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(super) state: Arc<Mutex<Option<String>>>,
    /// How many puts and commits still succeed.
    pub(super) left: Arc<Mutex<Option<usize>>>,
    turns: Arc<tokio::sync::Mutex<()>>,
}

struct MemoryTurn {
    began: Option<String>,
    state: Arc<Mutex<Option<String>>>,
    left: Arc<Mutex<Option<usize>>>,
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

fn spend(left: &Mutex<Option<usize>>, what: &str) -> Result<(), Error> {
    match left.lock().unwrap().as_mut() {
        Some(0) => Err(Error::storage(what, "told to fail")),
        Some(left) => {
            *left -= 1;
            Ok(())
        }
        None => Ok(()),
    }
}

impl Shelf for Memory {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, Error>> {
        Box::pin(async move { Ok(self.files.lock().unwrap().get(path).cloned()) })
    }

    fn put<'a>(&'a self, path: &'a str, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            spend(&self.left, path)?;
            self.files.lock().unwrap().insert(path.to_owned(), bytes.to_vec());
            Ok(())
        })
    }

    fn clear<'a>(&'a self, folder: &'a str) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.files.lock().unwrap().retain(|path, _| !path.starts_with(&format!("{folder}/")));
            Ok(())
        })
    }
}

impl Sequencer for Memory {
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn Turn>, Error>> {
        Box::pin(async move {
            let turn = self.turns.clone().lock_owned().await;
            let began = self.state.lock().unwrap().clone();
            let (state, left) = (self.state.clone(), self.left.clone());
            Ok(Box::new(MemoryTurn { began, state, left, _turn: turn }) as Box<dyn Turn>)
        })
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<String>, Error>> {
        Box::pin(async move { Ok(self.state.lock().unwrap().clone()) })
    }
}

impl Turn for MemoryTurn {
    fn checkpoint(&self) -> Option<&str> {
        self.began.as_deref()
    }

    fn commit(self: Box<Self>, checkpoint: &str) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            spend(&self.left, "commit")?;
            *self.state.lock().unwrap() = Some(checkpoint.to_owned());
            Ok(())
        })
    }
}
