complete -c credpoold -l config -d 'The configuration file [default: ~/.config/credpool/config.toml]' -r -F
complete -c credpoold -l socket -d 'Where to listen' -r
complete -c credpoold -l auth-file -d 'The auth.json to serve; by default that of $HERMES_HOME or ~/.hermes' -r
complete -c credpoold -l log -d 'What to log, as a filter: info, debug, credpool_daemon=trace, … [default: info]' -r
complete -c credpoold -l store -d 'Where several machines share their state [default: memory]' -r
complete -c credpoold -l on-store-loss -d 'What to do while the store is away' -r
complete -c credpoold -l store-key -d 'The key that machines with one store share' -r
complete -c credpoold -l snapshot -d 'The file that remembers state across restarts; by default none' -r
complete -c credpoold -l snapshot-durability -d 'How soon state is on the disk: within 250 ms, or before whoever changed it is answered [default: relaxed]' -r
complete -c credpoold -l access-users -d 'Users who may connect, besides the daemon\'s own and root' -r
complete -c credpoold -l access-groups -d 'Groups whose members may connect' -r
complete -c credpoold -l access-server -d 'The user whom clients accept as the daemon' -r
complete -c credpoold -l access-admins -d 'Users who may clear, disable and reload; none named: all who connect' -r
complete -c credpoold -l defaults-strategy -d 'How a pool chooses among its credentials [default: fill_first]' -r
complete -c credpoold -l defaults-reserve -d 'How much of each quota window is kept back: with no more left, a credential is used only where nothing else is there [default: 0%]' -r
complete -c credpoold -l defaults-max-in-flight -d 'How many leases one credential carries at a time [default: 1]' -r
complete -c credpoold -l defaults-max-in-flight-total -d 'How many leases one pool carries at a time in all; never more' -r
complete -c credpoold -l defaults-cap -d 'Whether max_in_flight is a wish or a law [default: soft]' -r
complete -c credpoold -l defaults-lease-ttl -d 'How long a lease lives that is bound to a connection [default: 1h]' -r
complete -c credpoold -l defaults-detached-ttl -d 'How long a detached lease lives [default: 10m]' -r
complete -c credpoold -l defaults-secrets -d 'Whether leases hold secrets, or only say where they are [default: values]' -r
complete -c credpoold -l defaults-account -d 'The account whose quota the credentials share' -r
complete -c credpoold -l defaults-probe-interval -d 'How often a restriction that is not over is probed, while nothing else is available [default: 15m]' -r
complete -c credpoold -l defaults-affinity-ttl -d 'How long a session stays with its credential after its last lease; 0s for not at all [default: 1h]' -r
complete -c credpoold -l cooldown-preset -d 'Where the cooldowns below start from: credpool\'s own, or the fixed ones of hermes-agent [default: default]' -r
complete -c credpoold -l cooldown-rate-limit-base -d 'The first cooldown of this kind, where the provider names none [default: 15s]' -r
complete -c credpoold -l cooldown-rate-limit-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-rate-limit-cap -d 'The longest guessed cooldown of this kind [default: 15m]' -r
complete -c credpoold -l cooldown-quota-base -d 'The first cooldown of this kind, where the provider names none [default: 5m]' -r
complete -c credpoold -l cooldown-quota-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-quota-cap -d 'The longest guessed cooldown of this kind [default: 5h]' -r
complete -c credpoold -l cooldown-billing-base -d 'The first cooldown of this kind, where the provider names none [default: 1h]' -r
complete -c credpoold -l cooldown-billing-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-billing-cap -d 'The longest guessed cooldown of this kind [default: 24h]' -r
complete -c credpoold -l cooldown-auth-base -d 'The first cooldown of this kind, where the provider names none [default: 1m]' -r
complete -c credpoold -l cooldown-auth-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-auth-cap -d 'The longest guessed cooldown of this kind [default: 1h]' -r
complete -c credpoold -l cooldown-forbidden-base -d 'The first cooldown of this kind, where the provider names none [default: 5m]' -r
complete -c credpoold -l cooldown-forbidden-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-forbidden-cap -d 'The longest guessed cooldown of this kind [default: 6h]' -r
complete -c credpoold -l cooldown-model-base -d 'The first cooldown of this kind, where the provider names none [default: 1m]' -r
complete -c credpoold -l cooldown-model-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-model-cap -d 'The longest guessed cooldown of this kind [default: 1h]' -r
complete -c credpoold -l cooldown-overloaded-base -d 'The first cooldown of this kind, where the provider names none [default: 5s]' -r
complete -c credpoold -l cooldown-overloaded-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-overloaded-cap -d 'The longest guessed cooldown of this kind [default: 2m]' -r
complete -c credpoold -l cooldown-server-base -d 'The first cooldown of this kind, where the provider names none [default: 5s]' -r
complete -c credpoold -l cooldown-server-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-server-cap -d 'The longest guessed cooldown of this kind [default: 2m]' -r
complete -c credpoold -l cooldown-edge-base -d 'The first cooldown of this kind, where the provider names none [default: 5s]' -r
complete -c credpoold -l cooldown-edge-factor -d 'How much longer each further cooldown of this kind is [default: 2]' -r
complete -c credpoold -l cooldown-edge-cap -d 'The longest guessed cooldown of this kind [default: 2m]' -r
complete -c credpoold -l cooldown-sole -d 'The longest guessed cooldown of a pool\'s only credential, for what passes by itself [default: 5s]' -r
complete -c credpoold -l guard-window -d 'In which time several credentials have to fail for it to be the provider\'s fault; 0s for never [default: 10s]' -r
complete -c credpoold -l guard-faults -d 'How many credentials, if the provider failed or was overloaded [default: 2]' -r
complete -c credpoold -l guard-refusals -d 'How many accounts, if a 429 or 403 said neither why nor for how long [default: 3]' -r
complete -c credpoold -l guard-pause -d 'For how long the pool pauses then, the first time [default: 5s]' -r
complete -c credpoold -l limits-request-line -d 'The longest request line [default: 256KiB]' -r
complete -c credpoold -l limits-partial-line -d 'How long a request line may stay unfinished [default: 10s]' -r
complete -c credpoold -l limits-unsent-output -d 'The most output that waits for one connection to read it [default: 1MiB]' -r
complete -c credpoold -l limits-unread-output -d 'How long it may wait before the connection is closed [default: 10s]' -r
complete -c credpoold -l limits-connections -d 'The most open connections [default: 4096]' -r
complete -c credpoold -l limits-connections-per-uid -d 'The most open connections of one user [default: 1024]' -r
complete -c credpoold -l limits-leases -d 'The most leases out at once [default: 65536]' -r
complete -c credpoold -l limits-leases-per-connection -d 'The most leases bound to one connection [default: 4096]' -r
complete -c credpoold -l limits-waiters -d 'The most requests that wait for a lease [default: 16384]' -r
complete -c credpoold -l limits-waiters-per-connection -d 'The most of them on one connection [default: 256]' -r
complete -c credpoold -l limits-waiters-per-uid -d 'The most of them of one user [default: 4096]' -r
complete -c credpoold -l limits-queues-per-pool -d 'The most different things that they want of one pool [default: 256]' -r
complete -c credpoold -l limits-history -d 'The most verdicts remembered of one credential and model [default: 64]' -r
complete -c credpoold -l limits-history-per-pool -d 'The most verdicts remembered of one pool [default: 4096]' -r
complete -c credpoold -l limits-subscribers -d 'The most connections that are told of events [default: 64]' -r
complete -c credpoold -l limits-ttl -d 'The longest lease that may be asked for [default: 24h]' -r
complete -c credpoold -l limits-wait -d 'The longest wait that may be asked for [default: 24h]' -r
complete -c credpoold -l limits-auth-file -d 'The largest auth.json [default: 16MiB]' -r
complete -c credpoold -l limits-auth-file-rows -d 'The most rows in auth.json [default: 100000]' -r
complete -c credpoold -l check -d 'Check configuration and definitions, print what would be served, and end'
complete -c credpoold -s h -l help -d 'Print help'
complete -c credpoold -s V -l version -d 'Print version'
