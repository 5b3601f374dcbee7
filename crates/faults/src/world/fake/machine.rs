//! Machines of the fake world.

use steadfast_model::{
    ByteSize, InjectionId, ProcessIdentity,
    process::ProcessState,
    stress::{Room, Stress, StressStatus, StressWorker, Volume},
    target::ResolvedHost,
};

#[derive(Debug)]
pub(super) struct FakeMachine {
    pub(super) resolved: ResolvedHost,
    workers: Vec<(InjectionId, StressWorker)>,
}

/// What every machine of this world has until a test says otherwise: 4 CPUs and 4 GiB.
pub(super) fn usual_room() -> Room {
    let available = ByteSize::new(4 << 30).expect("less than the largest size");
    Room { cpus: 4, usable_cpus: 4, cpu_limit: None, available, memory_limited_by: None }
}

/// What every path is on until a test says otherwise: 100 GiB of which 40 are in use.
pub(super) fn usual_volume() -> Volume {
    Volume {
        device: "254:1".to_owned(),
        kind: "ext4".to_owned(),
        read_only: false,
        holds_state: false,
        size_bytes: 100 << 30,
        free_bytes: 60 << 30,
        available_bytes: 55 << 30,
        for_worker_bytes: 60 << 30,
    }
}

impl FakeMachine {
    pub(super) fn new(name: &str, number: usize) -> Self {
        let resolved = ResolvedHost { boot_id: format!("fake-boot-{number}"), name: name.to_owned() };
        Self { resolved, workers: Vec::new() }
    }

    pub(super) fn add(&mut self, injection: InjectionId, identity: ProcessIdentity, stress: Stress) {
        let worker = StressWorker {
            identity,
            stress,
            state: ProcessState::Running,
            age_nanos: 0,
            ran_nanos: 0,
            waited_nanos: 0,
            held_bytes: 0,
            swapped_bytes: 0,
            read_bytes: 0,
            written_bytes: 0,
            usable_cpus: 4,
            cpu_limit: None,
        };
        self.workers.push((injection, worker));
    }

    pub(super) fn remove(&mut self, identity: &ProcessIdentity) {
        self.workers.retain(|(_, worker)| worker.identity != *identity);
    }

    /// Every worker gets what it asks for. 100 of whatever came by take a second.
    pub(super) fn live(&mut self, count: u64) {
        for (_, worker) in &mut self.workers {
            worker.age_nanos += count * 10_000_000;
            let age = std::time::Duration::from_nanos(worker.age_nanos);
            worker.held_bytes = match &worker.stress {
                Stress::Fill { size, .. } => size.bytes(),
                other => other.planned(age).bytes(),
            };
            if let Stress::Disk { rate, size, .. } = worker.stress {
                let bytes = rate.map_or(64 << 20, |rate| rate.bytes_in(age));
                (worker.read_bytes, worker.written_bytes) = (bytes, size.bytes() + bytes);
            }
            if let Stress::Cpu { workers, load } = worker.stress {
                let ran = age.mul_f64(load.fraction() * f64::from(workers));
                worker.ran_nanos = u64::try_from(ran.as_nanos()).expect("a test is short");
            }
        }
    }

    pub(super) fn status(&self, injection: InjectionId) -> StressStatus {
        let ours = self.workers.iter().filter(|(owner, _)| *owner == injection);
        let workers = ours.map(|(_, worker)| worker.clone()).collect();
        StressStatus { boot_id: self.resolved.boot_id.clone(), workers, volume: None }
    }

    /// A file system as it is with what workers hold of it.
    pub(super) fn filled(&self, volume: Volume) -> Volume {
        let fills = |worker: &StressWorker| matches!(worker.stress, Stress::Fill { .. });
        let held =
            self.workers.iter().filter(|(_, worker)| fills(worker)).map(|(_, worker)| worker.held_bytes);
        let held: u64 = held.sum();
        let less = |bytes: u64| bytes.saturating_sub(held);
        Volume {
            free_bytes: less(volume.free_bytes),
            available_bytes: less(volume.available_bytes),
            for_worker_bytes: less(volume.for_worker_bytes),
            ..volume
        }
    }

    pub(super) fn snapshot(&self) -> String {
        let workers: Vec<_> =
            self.workers.iter().map(|(_, worker)| (&worker.identity, &worker.stress)).collect();
        format!("machine {}: {workers:?}\n", self.resolved.name)
    }
}
