# Reads what `cargo test` printed and tells how each suite fared. A module of the integration tests is a suite.
# The last line is `N passed, N failed, N ignored`; the exit code is 1 if nothing was run.

/^     Running |^   Doc-tests / {
    suite = $1 == "Doc-tests" ? "examples in " $2 : $2 " " $3
    sub(/^unittests /, "units of ", suite)
    sub(/ \(.*$/, "", suite)
    if ($1 == "Running") {
        binary = $NF
        gsub(/^.*\/deps\/|-[0-9a-f]+\)$/, "", binary)
        suite = $2 == "unittests" ? "units of " binary : binary
    }
}

/^test .* \.\.\. (ok|FAILED|ignored)/ {
    name = suite
    if (suite !~ /^(units of|examples in) / && match($2, /^[a-z_0-9]+::/)) {
        name = suite " " substr($2, 1, RLENGTH - 2)
    }
    if (!(name in seen)) {
        seen[name] = 1
        order[++suites] = name
    }
    # `test a - should panic ... ok`: the verdict is what follows the dots, wherever they are.
    verdict = $0
    sub(/^.* \.\.\. /, "", verdict)
    sub(/[^A-Za-z].*$/, "", verdict)
    count[name, verdict]++
    total[verdict]++
    if (verdict == "FAILED") failed[++failures] = suite ": " $2
}

END {
    for (i = 1; i <= suites; i++) {
        name = order[i]
        printf "  %-44s %4d passed", name, count[name, "ok"]
        if (count[name, "FAILED"]) printf ", %d FAILED", count[name, "FAILED"]
        print ""
    }
    if (failures) print "\nFailed:"
    for (i = 1; i <= failures; i++) print "  " failed[i]
    printf "\n%d passed, %d failed\n", total["ok"], total["FAILED"]
    exit total["ok"] + total["FAILED"] == 0
}
