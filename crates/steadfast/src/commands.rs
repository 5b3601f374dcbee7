//! One subcommand, one file, one function.

pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod fault;
pub(crate) mod file_worker;
pub(crate) mod init;
pub(crate) mod load;
pub(crate) mod network_worker;
pub(crate) mod proxy;
pub(crate) mod reaper;
pub(crate) mod recover;
pub(crate) mod run;
pub(crate) mod runs;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod stop;
pub(crate) mod stress_worker;
pub(crate) mod verdict;
