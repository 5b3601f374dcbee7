//! The files a run is made from.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use steadfast_experiment::{Checked, ReadOptions};
use steadfast_model::{Problems, binding::Binding, run::SourceDocument};
use steadfast_slo::{Slo, SloFile};

use crate::{
    cli::run::RunArguments,
    failure::{Failure, code},
};

/// The longest file read, in bytes. Documents over 1 MiB are refused anyway; this keeps a wrong path from filling memory.
const LONGEST: u64 = 2 << 20;

/// A file and its text.
pub(crate) struct SourceFile {
    /// As people name it.
    pub(crate) name: String,
    /// What stands in it.
    pub(crate) text: String,
}

/// The files of one run.
pub(crate) struct Sources {
    experiment: SourceFile,
    slos: Vec<SourceFile>,
    binding: Option<SourceFile>,
}

/// What the files say.
pub(crate) struct Read {
    /// The experiment.
    pub(crate) checked: Checked,
    /// The service levels it may refer to.
    pub(crate) slos: Vec<Slo>,
    /// What works in them but is probably not meant, rendered.
    pub(crate) warnings: Vec<String>,
    /// What names stand for.
    pub(crate) binding: Binding,
    /// Everything, byte for byte, for the history.
    pub(crate) documents: Vec<SourceDocument>,
}

impl Sources {
    /// An experiment with the `binding.yaml` and `slos.yaml` that lie beside it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn beside(experiment: &Path) -> Result<Self, Failure> {
        Self::new(experiment, None, &[])
    }

    /// What was typed.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub(crate) fn typed(arguments: &RunArguments) -> Result<Self, Failure> {
        Self::new(&arguments.file, arguments.binding.as_deref(), &arguments.slos)
    }

    fn new(experiment: &Path, binding: Option<&Path>, slos: &[PathBuf]) -> Result<Self, Failure> {
        let neighbour = |name: &str| {
            let path = experiment.with_file_name(name);
            (path != experiment && path.exists()).then_some(path)
        };
        let binding = binding.map(Path::to_owned).or_else(|| neighbour("binding.yaml"));
        let slos = if slos.is_empty() { neighbour("slos.yaml").into_iter().collect() } else { slos.to_vec() };
        Ok(Self {
            experiment: read_file(experiment)?,
            binding: binding.as_deref().map(read_file).transpose()?,
            slos: slos.iter().map(|path| read_file(path)).collect::<Result<_, _>>()?,
        })
    }

    /// Reads and checks all of them.
    ///
    /// # Errors
    /// With the problems of every file, rendered.
    pub(crate) fn read(self, options: &ReadOptions<'_>, colour: bool) -> Result<Read, Failure> {
        let mut rendered = Vec::new();
        let render = |problems: &Problems, file: &SourceFile| {
            steadfast_model::yaml::render(problems, &file.name, &file.text, colour)
        };
        let binding =
            match self.binding.as_ref().map(|file| (file, steadfast_experiment::binding::read(&file.text))) {
                None => Binding::default(),
                Some((_, Ok(binding))) => binding,
                Some((file, Err(problems))) => {
                    rendered.push(render(&problems, file));
                    Binding::default()
                }
            };
        let mut slos = Vec::new();
        for file in &self.slos {
            slos.push(steadfast_slo::read_slos(&file.text).unwrap_or_else(|problems| {
                rendered.push(render(&problems, file));
                SloFile::default()
            }));
        }
        let checked = steadfast_experiment::read(&self.experiment.text, &self.experiment.name, options)
            .map_err(|problems| rendered.push(render(&problems, &self.experiment)))
            .ok();
        let Some(checked) = checked.filter(|_| rendered.is_empty()) else {
            return Err(Failure::document(rendered.join("\n")));
        };
        let warned = slos.iter().zip(&self.slos).filter(|(slos, _)| !slos.warnings.is_empty());
        let warnings = warned.map(|(slos, file)| render(&slos.warnings, file)).collect();
        let slos = slos.into_iter().flat_map(|file| file.slos).collect();
        Ok(Read { checked, slos, warnings, binding, documents: self.documents() })
    }

    fn documents(self) -> Vec<SourceDocument> {
        let document = |role: &str, file: SourceFile| SourceDocument {
            role: role.to_owned(),
            file: file.name,
            content: file.text.into_bytes(),
        };
        let mut documents = vec![document("experiment", self.experiment)];
        documents.extend(self.slos.into_iter().map(|file| document("slo", file)));
        documents.extend(self.binding.map(|file| document("binding", file)));
        documents
    }
}

/// Reads a binding document for a command that needs only that.
///
/// # Errors
/// When it cannot be read or makes no sense.
pub(crate) fn binding(path: Option<&Path>, colour: bool) -> Result<Binding, Failure> {
    let Some(path) = path else { return Ok(Binding::default()) };
    let file = read_file(path)?;
    steadfast_experiment::binding::read(&file.text).map_err(|problems| {
        Failure::document(steadfast_model::yaml::render(&problems, &file.name, &file.text, colour))
    })
}

fn read_file(path: &Path) -> Result<SourceFile, Failure> {
    let failed = |why: String| Failure {
        code: code::DOCUMENT,
        message: format!("failed to read {}: {why}", path.display()),
        hint: None,
    };
    // The length a file claims is not asked: pipes and devices claim none.
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| failed(error.to_string()))?;
    if bytes.len() as u64 > LONGEST {
        return Err(failed("it is longer than 2 MiB".to_owned()).hint(Some("a document may have 1 MiB")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        failed(format!("it is not UTF-8 text (byte {at})"))
    })?;
    Ok(SourceFile { name: path.display().to_string(), text })
}
