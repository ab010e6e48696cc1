_credpoold() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="credpoold"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        credpoold)
            opts="-h -V --config --check --socket --auth-file --log --store --on-store-loss --store-key --snapshot --snapshot-durability --access-users --access-groups --access-server --access-admins --defaults-strategy --defaults-reserve --defaults-max-in-flight --defaults-max-in-flight-total --defaults-cap --defaults-lease-ttl --defaults-detached-ttl --defaults-secrets --defaults-account --defaults-probe-interval --defaults-affinity-ttl --cooldown-preset --cooldown-rate-limit-base --cooldown-rate-limit-factor --cooldown-rate-limit-cap --cooldown-quota-base --cooldown-quota-factor --cooldown-quota-cap --cooldown-billing-base --cooldown-billing-factor --cooldown-billing-cap --cooldown-auth-base --cooldown-auth-factor --cooldown-auth-cap --cooldown-forbidden-base --cooldown-forbidden-factor --cooldown-forbidden-cap --cooldown-model-base --cooldown-model-factor --cooldown-model-cap --cooldown-overloaded-base --cooldown-overloaded-factor --cooldown-overloaded-cap --cooldown-server-base --cooldown-server-factor --cooldown-server-cap --cooldown-edge-base --cooldown-edge-factor --cooldown-edge-cap --cooldown-sole --guard-window --guard-faults --guard-refusals --guard-pause --limits-request-line --limits-partial-line --limits-unsent-output --limits-unread-output --limits-connections --limits-connections-per-uid --limits-leases --limits-leases-per-connection --limits-waiters --limits-waiters-per-connection --limits-waiters-per-uid --limits-queues-per-pool --limits-history --limits-history-per-pool --limits-subscribers --limits-ttl --limits-wait --limits-auth-file --limits-auth-file-rows --help --version"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --config)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --auth-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --store)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --on-store-loss)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --store-key)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --snapshot)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --snapshot-durability)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --access-users)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --access-groups)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --access-server)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --access-admins)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-strategy)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-reserve)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-max-in-flight)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-max-in-flight-total)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-lease-ttl)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-detached-ttl)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-secrets)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-account)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-probe-interval)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --defaults-affinity-ttl)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-preset)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-rate-limit-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-rate-limit-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-rate-limit-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-quota-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-quota-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-quota-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-billing-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-billing-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-billing-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-auth-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-auth-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-auth-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-forbidden-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-forbidden-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-forbidden-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-model-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-model-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-model-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-overloaded-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-overloaded-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-overloaded-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-server-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-server-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-server-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-edge-base)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-edge-factor)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-edge-cap)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --cooldown-sole)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --guard-window)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --guard-faults)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --guard-refusals)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --guard-pause)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-request-line)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-partial-line)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-unsent-output)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-unread-output)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-connections)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-connections-per-uid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-leases)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-leases-per-connection)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-waiters)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-waiters-per-connection)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-waiters-per-uid)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-queues-per-pool)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-history)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-history-per-pool)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-subscribers)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-ttl)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-wait)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-auth-file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --limits-auth-file-rows)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _credpoold -o nosort -o bashdefault -o default credpoold
else
    complete -F _credpoold -o bashdefault -o default credpoold
fi
