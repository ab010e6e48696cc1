use super::*;

fn read(line: &str) -> Result<Arguments, clap::Error> {
    Arguments::try_parse_from(line.split_whitespace())
}

#[track_caller]
fn accept(line: &str) -> Command {
    read(line).unwrap_or_else(|error| panic!("{error}")).command
}

#[track_caller]
fn refuse(line: &str) {
    match read(line) {
        Ok(arguments) => panic!("{line} is read as {arguments:?}"),
        Err(error) => assert_eq!(error.exit_code(), 2, "{line}"),
    }
}

#[test]
fn the_definition_is_sound() {
    Arguments::command().debug_assert();
}

#[test]
fn every_command_has_help() {
    for command in Arguments::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} {}", command.get_name(), argument.get_id());
        }
    }
}

#[test]
fn global_options_may_stand_anywhere() {
    for line in ["credpool --json --socket /s status", "credpool status --json --socket /s"] {
        let global = read(line).unwrap().global;
        assert!(global.json);
        assert_eq!(global.socket.as_deref(), Some("/s".as_ref()));
    }
    assert_eq!(read("credpool --color never ping").unwrap().global.color, ColorChoice::Never);
    refuse("credpool --color sometimes ping");
}

#[test]
fn the_secret_is_shown_in_one_way_at_a_time() {
    accept("credpool acquire p --show-secret");
    accept("credpool acquire p --shell");
    refuse("credpool acquire p --shell --show-secret");
    refuse("credpool acquire p --shell --json");
    refuse("credpool acquire p --show-secret --json");
}

#[test]
fn a_report_is_about_a_lease_or_a_credential() {
    accept("credpool report-error l --status 429");
    accept("credpool report-error --pool p --credential c --epoch e");
    refuse("credpool report-error");
    refuse("credpool report-error --pool p");
    refuse("credpool report-error --pool p --epoch e");
    refuse("credpool report-error l --pool p");
}

#[test]
fn a_profile_is_named_where_there_is_something_to_be_found_by_it() {
    accept("credpool report-error --pool p --profile dev --credential c --epoch e");
    accept("credpool report-error --last --profile dev");
    accept("credpool release --last --profile dev");
    for command in ["status", "history p", "clear p", "disable p c", "enable p c"] {
        accept(&format!("credpool {command} --profile dev"));
    }
    refuse("credpool report-error l --profile dev");
    refuse("credpool release l --profile dev");
}

#[test]
fn a_list_is_of_a_pool_or_of_all() {
    accept("credpool auth list");
    accept("credpool auth list openrouter --profile coder --json");
    refuse("credpool auth list openrouter openai");
}

#[test]
fn leases_are_shown_of_one_pool() {
    accept("credpool status p --leases");
    refuse("credpool status --leases");
}

#[test]
fn cleaning_is_about_the_file_and_nothing_else() {
    accept("credpool auth clean --dry-run --auth-file /a --json");
    accept("credpool auth clean --force");
    refuse("credpool auth");
    refuse("credpool auth clean openrouter");
}

#[test]
fn conditions_of_the_next_lease_need_a_next_lease() {
    accept("credpool report-error l --next --next-model m --next-exclude a --next-exclude b");
    refuse("credpool report-error l --next-model m");
}

#[test]
fn values_are_checked_before_anything_is_sent() {
    refuse("credpool report-error l --status 99");
    refuse("credpool report-error l --report 65");
    refuse("credpool report-error l --kind other");
    refuse("credpool acquire p --class urgent");
    refuse("credpool acquire p --ttl 10");
    refuse("credpool release l --outcome maybe");
    refuse("credpool release l --input-tokens 5");
    accept("credpool report-error l --kind timeout --report 64 --status 999");
    accept("credpool release l --outcome cancelled --input-tokens 5 --output-tokens 6");
}

#[test]
fn what_is_wrong_is_shown_without_what_the_environment_says() {
    // Clap shows whatever it has taken for part of the command line.
    for command in Arguments::command().get_subcommands() {
        assert!(command.get_arguments().all(|argument| argument.get_env().is_none() || argument.is_positional()));
    }
    assert!(Arguments::command().get_arguments().all(|argument| argument.get_env().is_none()));
}
