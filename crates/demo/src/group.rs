//! Group commit: commands that wait at the same time share one transaction.

use sqlx::{Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::wire::Refusal;

const LARGEST_GROUP: usize = 128;
const WAITING: usize = 4096;

/// Carries out one command inside a transaction.
pub(crate) trait Writes: Send + 'static {
    type Command: Send + Sync + 'static;
    type Answer: Send + 'static;

    fn apply(
        &mut self,
        database: &mut SqliteConnection,
        command: &Self::Command,
    ) -> impl Future<Output = Result<Self::Answer, sqlx::Error>> + Send;
}

type Waiting<W> = (<W as Writes>::Command, oneshot::Sender<Result<<W as Writes>::Answer, String>>);

/// The one writer of a database, shared by all requests.
pub(crate) struct GroupWriter<W: Writes> {
    commands: mpsc::Sender<Waiting<W>>,
}

impl<W: Writes> GroupWriter<W> {
    /// Starts the task that owns the connection.
    pub(crate) fn start(writes: W, database: SqliteConnection) -> Self {
        let (commands, waiting) = mpsc::channel(WAITING);
        tokio::spawn(write_groups(writes, database, waiting));
        Self { commands }
    }

    /// Answers when the command is committed, or says why it was not.
    pub(crate) async fn write(&self, command: W::Command) -> Result<W::Answer, Refusal> {
        let (answer, answered) = oneshot::channel();
        let gone = |_| Refusal::unavailable("the writer has ended");
        self.commands.send((command, answer)).await.map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))?.map_err(Refusal::unavailable)
    }
}

async fn write_groups<W: Writes>(
    mut writes: W,
    mut database: SqliteConnection,
    mut waiting: mpsc::Receiver<Waiting<W>>,
) {
    let mut group = Vec::with_capacity(LARGEST_GROUP);
    while waiting.recv_many(&mut group, LARGEST_GROUP).await > 0 {
        // Whoever stopped waiting does not need the answer; the command counts all the same.
        match apply_group(&mut writes, &mut database, &group).await {
            Ok(answers) => {
                for ((_, answer), value) in group.drain(..).zip(answers) {
                    answer.send(Ok(value)).ok();
                }
            }
            Err(error) => {
                eprintln!("failed to commit {} commands: {error}", group.len());
                for (_, answer) in group.drain(..) {
                    answer.send(Err(format!("not written: {error}"))).ok();
                }
            }
        }
    }
}

async fn apply_group<W: Writes>(
    writes: &mut W,
    database: &mut SqliteConnection,
    group: &[Waiting<W>],
) -> Result<Vec<W::Answer>, sqlx::Error> {
    let mut transaction = database.begin_with("BEGIN IMMEDIATE").await?;
    let mut answers = Vec::with_capacity(group.len());
    for (command, _) in group {
        answers.push(writes.apply(&mut transaction, command).await?);
    }
    transaction.commit().await?;
    Ok(answers)
}
