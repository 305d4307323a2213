//! What `--help` says below the options of each command: examples.

pub(super) const PROGRAM: &str = "\
Examples:
  lastbatch check                                       the built-in job of 2018
  lastbatch import step.pb --out job.toml               a scenario for your own job
  lastbatch check job.toml --record                     searches it, keeps a schedule per hang
  lastbatch explain job.7a624761.schedule --html a.html why it hangs
  lastbatch match stacks                                which hang a job's stacks look like

Exit codes: 0 as expected, 1 not, 2 bad input or usage, 3 undecided, 130 interrupted.";

pub(super) const CHECK: &str = "\
Examples:
  lastbatch check                                       the built-in job
  lastbatch check scenarios                             every scenario below a directory, then a table
  lastbatch check 'scenarios/tiny/*_thread.toml' -q     one line per scenario
  lastbatch check job.toml --record -v                  keeps schedules, and prints them
  lastbatch check job.toml --variant sticky-cancel      the job on a changed runtime
  lastbatch check job.toml --max-time 10m --max-memory 8G
  lastbatch check job.toml --checkpoint . --resume      goes on where it was ended";

pub(super) const REPLAY: &str = "\
Examples:
  lastbatch replay job.7a624761.schedule -v             event by event
  lastbatch replay job.7a624761.schedule --prefix-on check-after-send
  lastbatch replay job.7a624761.schedule --engine threads --times 100";

pub(super) const MINIMISE: &str = "\
Examples:
  lastbatch minimise long.7a624761.schedule --out short.schedule";

pub(super) const IMPORT: &str = "\
Examples:
  lastbatch import step.pb                              shows the graph
  lastbatch import step.pb --out job.toml               writes a scenario for it";

pub(super) const CONFORM: &str = "\
Examples:
  lastbatch conform scenarios/traces/hang-trace-ps2.jsonl";

pub(super) const CONFIRM: &str = "\
Examples:
  lastbatch confirm job.7a624761.schedule --rules       what would be held
  lastbatch confirm job.7a624761.schedule -- python job.py";

pub(super) const RECORD: &str = "\
Examples:
  lastbatch record --out recording -- python job.py
  lastbatch record --out recording --environment        for a job that is started elsewhere";

pub(super) const EXPLAIN: &str = "\
Examples:
  lastbatch explain job.7a624761.schedule               the facts, and what decided it
  lastbatch explain job.7a624761.schedule -v            with the schedule
  lastbatch explain job.7a624761.schedule --html hang.html";

pub(super) const GATE: &str = "\
Examples:
  lastbatch gate --quick                                in minutes
  lastbatch gate --only 'tiny/*' --only queue           some scenarios
  lastbatch gate --only new.toml --update-baseline      adds a scenario to the baseline";

pub(super) const DIFF: &str = "\
Examples:
  lastbatch diff tf-1.12 sticky-cancel                  two variants
  lastbatch diff --against ../older/lastbatch           two builds";

pub(super) const LIST: &str = "\
Examples:
  lastbatch list 'scenarios/*one_thread*'";

pub(super) const MATCH: &str = "\
Examples:
  lastbatch match stacks                                the folder that `lastbatch collect` made
  lastbatch match worker0.txt ps0.txt";

pub(super) const COLLECT: &str = "\
Examples:
  lastbatch collect worker0=1234 ps0=ps-host:2222       prints the commands
  lastbatch collect --pods job=train --run              runs them";

pub(super) const MATRIX: &str = "\
Examples:
  lastbatch matrix --servers 1 --inter-op 1,2 --out .";

pub(super) const COMPLETIONS: &str = "\
Examples:
  lastbatch completions bash > ~/.local/share/bash-completion/completions/lastbatch
  lastbatch completions zsh > ~/.zfunc/_lastbatch";

pub(super) const MAN: &str = "\
Examples:
  lastbatch man check | man -l -
  lastbatch man --out ~/.local/share/man/man1";
