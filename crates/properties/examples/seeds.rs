//! Writes the seeds of a target into a folder, one file each: `cargo run -p steadfast-properties --example seeds --
//! TARGET FOLDER`. `cargo xtask fuzz` begins with it.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let [target, folder] = &words[..] else { return Err(io::Error::other("needs a target and a folder")) };
    let folder = PathBuf::from(folder);
    fs::create_dir_all(&folder)?;
    for (name, bytes) in steadfast_properties::seeds(target) {
        fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}
