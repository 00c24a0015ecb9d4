# completion.bash - bash completion of `instant`.
#
# Commands and options are asked of the program itself (its --help), and so cannot go stale; tables are
# asked of the hub, only if that one is running.

_instant_options() {
    command instant "$@" --help 2>/dev/null </dev/null | grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+'
}

_instant_tables() {
    command instant hub status 2>/dev/null </dev/null | grep -qE '^state +running' &&
        command instant -q tables --format csv 2>/dev/null </dev/null | tail -n +2 | cut -d, -f1
}

_instant() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' words='' i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -c | --config | --hub | --home) ((i++)) ;;
            -*) ;;
            *)
                command=${COMP_WORDS[i]}
                break
                ;;
        esac
    done
    case $previous in
        -c | --config | -o | --output | -f | --file)
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
            ;;
        --home)
            mapfile -t COMPREPLY < <(compgen -d -- "$current")
            return
            ;;
        -F | --format) words='table csv json ndjson arrow' ;;
        --numeric) words='float64 decimal string' ;;
        *)
            if [[ -z $command ]]; then
                words='setup tables describe load query explain relation health config hub version help
                    --config --hub --home --verbose --quiet --help --version'
            elif [[ $current == -* ]]; then
                words="$(_instant_options "$command") --config --hub --home --verbose --quiet --help"
                [[ $command == hub ]] && words+=' --uri --yes'
            else
                case $command in
                    describe | load) words=$(_instant_tables) ;;
                    hub) words='status start stop psql destroy' ;;
                    config) words='check schema' ;;
                    help) words='setup tables describe load query explain relation health config hub version' ;;
                esac
                if [[ $command == config && $previous == check ]]; then
                    mapfile -t COMPREPLY < <(compgen -f -- "$current")
                    return
                fi
            fi
            ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}

complete -o filenames -F _instant instant
