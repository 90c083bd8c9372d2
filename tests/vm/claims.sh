# What the parts share: a claim, how long it took, and what was said when it is not true.

CLAIMS_FAILED=0

claim() { # claim SENTENCE COMMAND...: the command's success makes it true
    local sentence=$1 start=$SECONDS said
    shift
    if said=$("$@" 2>&1); then
        printf 'ok     %4d s  %s\n' $((SECONDS - start)) "$sentence"
    else
        printf 'FALSE  %4d s  %s\n%s\n' $((SECONDS - start)) "$sentence" "$(tail -n 25 <<<"$said")"
        CLAIMS_FAILED=1
        return 1
    fi
}

says() { # says PATTERN COMMAND...: its output, shown when the pattern is not in it
    local pattern=$1 said
    shift
    said=$("$@" 2>&1)
    grep -qE "$pattern" <<<"$said" || { echo "$said" && return 1; }
}
