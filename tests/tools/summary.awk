# Tells how each suite fared, from two files: the list of tests that could not run, and what `cargo test` printed. A
# module of the integration tests is a suite. The last line is `N passed, N failed, N skipped`; the exit code is 1 if
# nothing was run.

FILENAME == ARGV[1] {
    skipped[++skips] = $0
    next
}

/^     Running |^   Doc-tests / {
    if ($1 == "Doc-tests") {
        suite = "examples in " $2
    } else {
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
    # `test a - should panic ... ok`: the verdict is what follows the dots, wherever they are.
    verdict = $0
    sub(/^.* \.\.\. /, "", verdict)
    sub(/[^A-Za-z].*$/, "", verdict)
    if (verdict == "ignored") next
    if (!(name in seen)) {
        seen[name] = 1
        order[++suites] = name
    }
    count[name, verdict]++
    total[verdict]++
    if (verdict == "FAILED") failed[++failures] = suite ": " $2
}

END {
    for (i = 1; i <= suites; i++) {
        name = order[i]
        printf "  %-36s %4d passed", name, count[name, "ok"]
        if (count[name, "FAILED"]) printf ", %d FAILED", count[name, "FAILED"]
        print ""
    }
    if (failures) print "\nFailed:"
    for (i = 1; i <= failures; i++) print "  " failed[i]
    # A test that cannot run ends well as far as cargo knows.
    if (skips) print "\nCould not run, though counted above:"
    for (i = 1; i <= skips; i++) print "  " substr(skipped[i], length("SKIPPED ") + 1)
    printf "\n%d passed, %d failed, %d skipped\n", total["ok"] - skips, total["FAILED"], skips
    exit total["ok"] + total["FAILED"] == 0
}
