# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_credpool_global_optspecs
    string join \n socket= server= json color= h/help V/version
end

function __fish_credpool_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_credpool_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_credpool_using_subcommand
    set -l cmd (__fish_credpool_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c credpool -n "__fish_credpool_needs_command" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_needs_command" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_needs_command" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_needs_command" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_needs_command" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_needs_command" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "acquire" -d 'Lease a credential, until it is released, reported, or its time is over'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "exec" -d 'Run a program under a lease that lives as long as it does'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "get" -d 'Print a key for a tool that asks a command for it'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "release" -d 'Give a lease back'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "report-error" -d 'Tell what went wrong with a leased credential, and give the lease back'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "renew" -d 'Let a lease last longer'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "status" -d 'Show pools and credentials: state, time left, cause, leases'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "top" -d 'Watch pools live: credentials, who holds and waits for leases, what happens'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "explain" -d 'Say what `acquire` would do, and why, without doing it'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "history" -d 'Show what was reported and done about credentials, and what that was judged by'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "events" -d 'Follow what happens: leases, who waits, restrictions and their ends'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "clear" -d 'Lift what restricts a pool or a credential; does not undo `disable`'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "disable" -d 'Take a credential out of use'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "enable" -d 'Put a disabled credential back to use'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "reload" -d 'Read the definitions again'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "ping" -d 'See whether the daemon answers'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "call" -d 'Send one request as it is and print the answer'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "auth" -d 'Look after Hermes\' auth.json'
complete -c credpool -n "__fish_credpool_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l model -d 'The model that the credential is for' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l session -d 'Stay with one credential for this session where that is possible' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l credential -d 'Only this credential, by id or label' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l exclude -d 'Not this credential, by id; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l class -d 'Who waits: a person, or something that can give way' -r -f -a "interactive\t''
background\t''"
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l wait -d 'How long to wait until there is something to lease, as in 30s' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l profile -d 'The profile whose pool is meant' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l ttl -d 'How long the lease may last, as in 10m' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l without-secret -d 'Ask for a reference to the secret in its place'
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l show-secret -d 'Print the secret, too'
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l shell -d 'Print shell variables for `eval`: CREDPOOL_LEASE, CREDPOOL_SECRET and others'
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c credpool -n "__fish_credpool_using_subcommand acquire" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l pool -d 'The pool, as it is called in auth.json' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l env -d 'A variable that the program reads its key from, as in OPENROUTER_API_KEY; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l base-url-env -d 'A variable for the credential\'s base URL, unset if it has none; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l model -d 'The model that the credential is for' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l session -d 'Stay with one credential for this session where that is possible' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l credential -d 'Only this credential, by id or label' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l exclude -d 'Not this credential, by id; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l class -d 'Who waits: a person, or something that can give way' -r -f -a "interactive\t''
background\t''"
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l wait -d 'How long to wait until there is something to lease, as in 30s' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l profile -d 'The profile whose pool is meant' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand exec" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c credpool -n "__fish_credpool_using_subcommand exec" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand get" -l model -d 'The model that the credential is for' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l session -d 'Stay with one credential for this session where that is possible' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l credential -d 'Only this credential, by id or label' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l exclude -d 'Not this credential, by id; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l class -d 'Who waits: a person, or something that can give way' -r -f -a "interactive\t''
background\t''"
complete -c credpool -n "__fish_credpool_using_subcommand get" -l wait -d 'How long to wait until there is something to lease, as in 30s' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l profile -d 'The profile whose pool is meant' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l ttl -d 'How long the lease may last without another `get`, as in 10m' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l format -d 'How to print the key' -r -f -a "plain\t'The key and nothing else'
header\t'The header that it goes into, as in \'Authorization: Bearer …\''
headers\t'The same as a JSON object, as Claude Code wants it from an MCP server\'s headersHelper'"
complete -c credpool -n "__fish_credpool_using_subcommand get" -l for -d 'Who the key is for, where several tools of one session have to be told apart' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand get" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand get" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c credpool -n "__fish_credpool_using_subcommand get" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand release" -l last -d 'The lease that `credpool get` gave last in this session, of this pool if one is named' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l for -d 'With --last: who it was given to' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l profile -d 'With --last: the profile that it was given from' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l outcome -d 'How it went' -r -f -a "ok\t''
cancelled\t''
unknown\t''"
complete -c credpool -n "__fish_credpool_using_subcommand release" -l status -d 'The HTTP status of the response' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l header -d 'A header of the response, as in \'Retry-After: 43\'; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l input-tokens -d 'Tokens sent' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l output-tokens -d 'Tokens received' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand release" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand release" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand release" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand release" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l last -d 'The lease that `credpool get` gave last in this session, of this pool if one is named' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l for -d 'With --last: who it was given to' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l pool -d 'The pool of a credential that was used without a lease' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l credential -d 'The credential, by id or label' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l profile -d 'The profile by whose ids and labels the credential is named; with --last, the one that the lease was given from' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l epoch -d 'The credential\'s epoch when it was used' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l report -d 'Which failure of this lease it is; the same number again is the same report again; without it, another failure' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l status -d 'The HTTP status' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l header -d 'A header of the response, as in \'Retry-After: 43\'; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l body -d 'The response\'s body' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l body-file -d 'A file with the response\'s body; - is standard input' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l message -d 'The error\'s text' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l code -d 'The error\'s code' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l kind -d 'What you know by yourself, as in network or timeout' -r -f -a "rate_limit\t''
quota\t''
billing\t''
auth\t''
dead\t''
forbidden\t''
model\t''
overloaded\t''
server\t''
edge\t''
network\t''
request\t''
cancelled\t''
unknown\t''
timeout\t''"
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l retry-after -d 'When to retry, as the provider said it' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l retry-until -d 'Until when not to retry, as the provider said it' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l reset-at -d 'When the window resets, as the provider said it' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l resets-at -d 'When the window resets, as the provider said it' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l model -d 'The model that failed, where it is not the lease\'s' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l next-model -d 'For this model, and on none of the conditions of the lease that failed' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l next-exclude -d 'Any but this credential, by id, and on none of those conditions; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l keep -d 'Do not end the lease'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l next -d 'Lease another credential in the same step, on the conditions of the lease that failed'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l show-secret -d 'Print the secret, too'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l shell -d 'Print shell variables for `eval`: CREDPOOL_LEASE, CREDPOOL_SECRET and others'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand report-error" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand renew" -l ttl -d 'How long it may last from now, as in 10m' -r
complete -c credpool -n "__fish_credpool_using_subcommand renew" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand renew" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand renew" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand renew" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand renew" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand renew" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand status" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand status" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand status" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand status" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand status" -l leases -d 'Who holds leases of the pool, and who waits for one, too'
complete -c credpool -n "__fish_credpool_using_subcommand status" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand status" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand status" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand top" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand top" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand top" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand top" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand top" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand top" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand top" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l model -d 'The model that the credential is for' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l session -d 'Stay with one credential for this session where that is possible' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l credential -d 'Only this credential, by id or label' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l exclude -d 'Not this credential, by id; may be given several times' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l class -d 'Who waits: a person, or something that can give way' -r -f -a "interactive\t''
background\t''"
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l wait -d 'How long to wait until there is something to lease, as in 30s' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l profile -d 'The profile whose pool is meant' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand explain" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand explain" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand explain" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand history" -l model -d 'Only what happened with this model' -r
complete -c credpool -n "__fish_credpool_using_subcommand history" -l limit -d 'How many entries to show at most, the latest first' -r
complete -c credpool -n "__fish_credpool_using_subcommand history" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand history" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand history" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand history" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand history" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand history" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand history" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand events" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand events" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand events" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand events" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand events" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand events" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand events" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand clear" -l model -d 'Only this model' -r
complete -c credpool -n "__fish_credpool_using_subcommand clear" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand clear" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand clear" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand clear" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand clear" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand clear" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand clear" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l for -d 'For how long, as in 2h; until `enable` otherwise' -r
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l note -d 'Why, for those who wonder' -r
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand disable" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand disable" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand disable" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand enable" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand enable" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand enable" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand enable" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand enable" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand enable" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand enable" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand reload" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand reload" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand reload" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand reload" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand reload" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand reload" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand ping" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand ping" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand ping" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand ping" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand ping" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand ping" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand call" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand call" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand call" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand call" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand call" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand call" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -f -a "list" -d 'Show definitions beside what became of them, as `hermes auth list` does, and what that hides'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -f -a "clean" -d 'Take what Hermes noted about the state of credentials out of its auth.json'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and not __fish_seen_subcommand_from list clean help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -l profile -d 'The profile by whose ids and labels credentials are named; those of others are ID@PROFILE' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from list" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l auth-file -d 'The auth.json; without it, that of HERMES_HOME, else ~/.hermes/auth.json' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l socket -d 'The daemon\'s socket; without it, CREDPOOL_SOCKET, or else the usual places' -r -F
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l server -d 'Accept a daemon that runs as this user, besides yourself and root; without it, CREDPOOL_ACCESS_SERVER' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l color -d 'Whether to use colours; `auto` does so on a terminal, unless NO_COLOR is set' -r
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l dry-run -d 'Only say what would be taken out'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l force -d 'Clean it even if no daemon knows which credentials it calls exhausted or dead'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -l json -d 'Print the daemon\'s answer as it is, one JSON object per line'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -s h -l help -d 'Print help'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from clean" -s V -l version -d 'Print version'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from help" -f -a "list" -d 'Show definitions beside what became of them, as `hermes auth list` does, and what that hides'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from help" -f -a "clean" -d 'Take what Hermes noted about the state of credentials out of its auth.json'
complete -c credpool -n "__fish_credpool_using_subcommand auth; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "acquire" -d 'Lease a credential, until it is released, reported, or its time is over'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "exec" -d 'Run a program under a lease that lives as long as it does'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "get" -d 'Print a key for a tool that asks a command for it'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "release" -d 'Give a lease back'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "report-error" -d 'Tell what went wrong with a leased credential, and give the lease back'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "renew" -d 'Let a lease last longer'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "status" -d 'Show pools and credentials: state, time left, cause, leases'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "top" -d 'Watch pools live: credentials, who holds and waits for leases, what happens'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "explain" -d 'Say what `acquire` would do, and why, without doing it'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "history" -d 'Show what was reported and done about credentials, and what that was judged by'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "events" -d 'Follow what happens: leases, who waits, restrictions and their ends'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "clear" -d 'Lift what restricts a pool or a credential; does not undo `disable`'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "disable" -d 'Take a credential out of use'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "enable" -d 'Put a disabled credential back to use'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "reload" -d 'Read the definitions again'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "ping" -d 'See whether the daemon answers'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "call" -d 'Send one request as it is and print the answer'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "auth" -d 'Look after Hermes\' auth.json'
complete -c credpool -n "__fish_credpool_using_subcommand help; and not __fish_seen_subcommand_from acquire exec get release report-error renew status top explain history events clear disable enable reload ping call auth help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c credpool -n "__fish_credpool_using_subcommand help; and __fish_seen_subcommand_from auth" -f -a "list" -d 'Show definitions beside what became of them, as `hermes auth list` does, and what that hides'
complete -c credpool -n "__fish_credpool_using_subcommand help; and __fish_seen_subcommand_from auth" -f -a "clean" -d 'Take what Hermes noted about the state of credentials out of its auth.json'
