# Builds a Go program, in the sandbox. Words: the go command, the folder that prepare.sh filled, the files of the package main. A folder
# `solution` beside them is a package of its own, to be called through the driver.
set -e
export GOGC=1000
tools=$(echo "${1%/bin/go}"/pkg/tool/*_*)
shared=$2
shift 2
ln -s "$shared/std" std
imports=$shared/imports links=$shared/links
if [ -d solution ]; then
    "$tools/compile" -p solution -complete -pack -dwarf=false -importcfg "$imports" -o solution.a solution/*.go
    { cat "$links"; echo "packagefile codemill=$shared/codemill.a"; echo "packagefile solution=solution.a"; } > links
    cp links imports
    imports=imports links=links
fi
"$tools/compile" -p main -complete -pack -dwarf=false -importcfg "$imports" -o main.a "$@"
exec "$tools/link" -s -w -buildid= -importcfg "$links" -o program main.a
