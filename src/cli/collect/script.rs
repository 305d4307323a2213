//! The commands of `lastbatch collect`, as a shell script.

use std::fmt::Write;
use std::path::Path;

use lastbatch::models::tensorflow::evidence::stacks::TASKS;

use super::Task;

/// Writes the script that collects the stacks of some tasks.
pub(super) fn text(tasks: &[Task], folder: &Path) -> String {
    let path = |name: &str| quoted(&folder.join(name).display().to_string());
    let folder = quoted(&folder.display().to_string());
    let mut text = format!(
        "#!/bin/sh\n# Collects the stacks of {} tasks. Then: lastbatch match {folder}\n",
        tasks.len()
    );
    let _ = writeln!(text, "mkdir -p {folder}");
    let _ = writeln!(text, "printf %s {} > {}", quoted(&list(tasks)), path(TASKS));
    for task in tasks {
        let command = task.target.command();
        let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
        let file = path(&format!("{}.txt", task.name));
        let _ = writeln!(text, "{} < /dev/null > {file} 2>&1 &", words.join(" "));
    }
    text + "wait\n"
}

/// Writes the list of tasks, from which `match` knows who is missing.
pub(super) fn list(tasks: &[Task]) -> String {
    let line = |task: &Task| format!("{}\t{}\n", task.name, task.target);
    tasks.iter().map(line).collect()
}

/// Returns a word of the shell.
pub(super) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./=:@%+,".contains(letter);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
