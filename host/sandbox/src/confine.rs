//! The second wall: what the kernel holds a process to that reads, compiles or runs what strangers
//! wrote. The sandbox does not rest on it. If the sandbox had a hole, this is what is behind it: no
//! file but the named ones, no socket, no program, no other process, no new privileges.

mod probe;

use std::collections::BTreeMap;
use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _,
    RulesetStatus, Scope, path_beneath_rules,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

pub use self::probe::{Attempt, PROBE_ARGUMENT, Probe, probe, probe_child};

/// The newest Landlock rules that are asked for; an older kernel enforces those that it knows.
const NEWEST: ABI = ABI::V7;

/// What the kernel holds this process to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confinement {
    /// Version of Landlock's rules in force: files from 1 on, TCP from 4, abstract sockets and signals
    /// from 6. 0 where the kernel has none.
    pub landlock: u32,
    /// Whether the filter of system calls is in force.
    pub seccomp: bool,
}

/// Gives up, for the calling thread and whatever it starts from now on, all that a process which runs
/// guests has no use for. Below `readable` files may be read. Returns what this kernel enforces: less
/// than everything is no error, since the sandbox does not rest on it.
pub fn confine(readable: &[&Path]) -> Confinement {
    Confinement { landlock: restrict_files(readable).unwrap_or(0), seccomp: filter_calls().is_some() }
}

fn restrict_files(readable: &[&Path]) -> Option<u32> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(NEWEST)))
        .and_then(|rules| rules.scope(Scope::from_all(NEWEST)))
        .and_then(|rules| rules.create())
        // Reading, without the right to execute that Landlock counts as part of it.
        .and_then(|rules| rules.add_rules(path_beneath_rules(readable, AccessFs::ReadFile | AccessFs::ReadDir)))
        .and_then(|rules| rules.restrict_self())
        .ok()?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some((effective_abi as u32).min(NEWEST as u32)),
        _ => None,
    }
}

/// System calls that nothing here needs once it is confined. A list of what is forbidden rather than
/// of what is allowed: the second would break with the next version of the C library.
const FORBIDDEN: &[i64] = &[
    // The network, and any other way to talk to somebody.
    libc::SYS_socket,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    // Other programs and other processes.
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_getfd,
    // The kernel's own machinery, where most of its holes were.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    // Namespaces and mounts.
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_by_handle_at,
];

fn filter_calls() -> Option<()> {
    let mut forbidden: BTreeMap<i64, Vec<SeccompRule>> = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    // Threads may be started, processes may not.
    let thread = libc::CLONE_THREAD as u64;
    let process = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(thread), 0).ok()?;
    forbidden.insert(libc::SYS_clone, vec![SeccompRule::new(vec![process]).ok()?]);
    #[cfg(target_arch = "x86_64")]
    for call in [libc::SYS_fork, libc::SYS_vfork] {
        forbidden.insert(call, Vec::new());
    }
    apply(forbidden, libc::EPERM)?;
    // Its flags lie in memory, where no filter looks: the C library falls back to `clone`.
    apply(BTreeMap::from([(libc::SYS_clone3, Vec::new())]), libc::ENOSYS)
}

fn apply(calls: BTreeMap<i64, Vec<SeccompRule>>, errno: i32) -> Option<()> {
    let arch = std::env::consts::ARCH.try_into().ok()?;
    let refusal = SeccompAction::Errno(u32::try_from(errno).ok()?);
    let program: BpfProgram = SeccompFilter::new(calls, SeccompAction::Allow, refusal, arch).ok()?.try_into().ok()?;
    seccompiler::apply_filter(&program).ok()
}
