//! What clap knows of a command line, in the language of manual pages.

use std::fmt::Write as _;

use clap::{Arg, Command, builder::PossibleValue};

/// The command with all that clap adds to it, but for its help, which every program has.
pub fn built(command: Command) -> Command {
    let mut command = command.disable_help_subcommand(true).disable_help_flag(true);
    command.build();
    command
}

/// The options and arguments of a command, one tagged paragraph each.
pub fn options(command: &Command) -> String {
    command.get_arguments().filter(|argument| !argument.is_hide_set()).map(option).collect()
}

/// The commands below a command that do something, one tagged paragraph each: how they are called, what they do, and
/// what their own arguments mean.
pub fn commands(command: &Command) -> String {
    let mut text = String::new();
    for command in command.get_subcommands() {
        collect(command, "", &mut text);
    }
    text
}

fn collect(command: &Command, before: &str, text: &mut String) {
    let own = || command.get_arguments().filter(|argument| !argument.is_global_set());
    let mut call = format!("{before}{}", bold(command.get_name()));
    for argument in own() {
        call.push(' ');
        call.push_str(&in_call(argument));
    }
    if command.has_subcommands() {
        call.push(' ');
        for command in command.get_subcommands() {
            collect(command, &call, text);
        }
        return;
    }
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let _ = writeln!(text, ".TP\n{call}\n{}.", escape(&about));
    if own().next().is_some() {
        let _ = writeln!(text, ".RS");
        own().for_each(|argument| text.push_str(&option(argument)));
        let _ = writeln!(text, ".RE");
    }
}

/// An argument in the line that shows how its command is called.
fn in_call(argument: &Arg) -> String {
    let several =
        if argument.get_num_args().is_some_and(|count| count.max_values() > 1) { "…" } else { "" };
    let text = format!("{}{several}", names(argument));
    if argument.is_required_set() { text } else { format!("[{text}]") }
}

/// A tagged paragraph: an argument's names, what it means, the values it may have and the one it has by itself.
fn option(argument: &Arg) -> String {
    let mut text = format!(".TP\n{}\n", names(argument));
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let end = if help.ends_with(['.', ']']) { "" } else { "." };
    let _ = writeln!(text, "{}{end}", escape(&help));
    if argument.get_action().takes_values() {
        text.push_str(&values(&argument.get_possible_values()));
    }
    if let [default] = argument.get_default_values()
        && argument.get_action().takes_values()
    {
        let _ = writeln!(text, ".IP\nIf left out: {}.", bold(&default.to_string_lossy()));
    }
    text
}

/// The values that an argument may have, if they are few: what each means, or else their names alone.
fn values(values: &[PossibleValue]) -> String {
    if values.iter().all(|value| value.get_help().is_none()) {
        let names = values.iter().map(|value| bold(value.get_name())).collect::<Vec<_>>();
        return if names.is_empty() { String::new() } else { format!("One of {}.\n", names.join(", ")) };
    }
    let mut text = ".RS\n".to_owned();
    for value in values {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(text, ".TP\n{}\n{}.", bold(value.get_name()), escape(&help));
    }
    text + ".RE\n"
}

/// `--name VALUE`, `-n`, or `VALUE`.
fn names(argument: &Arg) -> String {
    let mut names = Vec::new();
    names.extend(argument.get_short().map(|short| bold(&format!("-{short}"))));
    names.extend(argument.get_long().map(|long| bold(&format!("--{long}"))));
    let mut text = names.join(", ");
    if argument.get_action().takes_values() {
        for value in argument.get_value_names().unwrap_or_default() {
            let blank = if text.is_empty() { "" } else { " " };
            let _ = write!(text, "{blank}\\fI{}\\fR", escape(value));
        }
    }
    text
}

/// Text as it stands, in one block.
pub fn verbatim(text: &str) -> String {
    let lines = text.lines().map(|line| format!("{}\n", escape(line)));
    format!(".EX\n{}.EE\n", lines.collect::<String>())
}

fn bold(text: &str) -> String {
    format!("\\fB{}\\fR", escape(text))
}

/// Text that means nothing but itself.
fn escape(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq").replace('\n', " ");
    if text.starts_with('.') { format!("\\&{text}") } else { text }
}
