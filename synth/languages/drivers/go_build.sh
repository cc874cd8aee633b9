# Builds a Go program, in the sandbox. Words: the go command, the folder that prepare.sh filled, the files of the package main.
#
# Each folder candidate_N beside them is a package of its own, to be called through the driver. What the compiler says of it stands behind
# its name: the compiler's own lines can hold text of the program.
export GOGC=1000
tools=$(echo "${1%/bin/go}"/pkg/tool/*_*)
shared=$2
shift 2
ln -s "$shared/std" std
candidates=
for folder in candidate_*; do
    [ -d "$folder" ] || continue
    candidates="$candidates
packagefile $folder=$folder.a"
    said=$("$tools/compile" -p "$folder" -complete -pack -dwarf=false -importcfg "$shared/imports" -o "$folder.a" "$folder"/*.go 2>&1) && continue
    printf '%s\n' "$said" | sed "s/^/$folder: /" >&2
    failed=1
done
[ -z "$failed" ] || exit 1
imports=$shared/imports links=$shared/links
if [ -n "$candidates" ]; then
    imports=imports links=links
    { cat "$shared/links"; echo "packagefile codemill=$shared/codemill.a$candidates"; } > links
    cp links imports
fi
"$tools/compile" -p main -complete -pack -dwarf=false -importcfg "$imports" -o main.a "$@" &&
    "$tools/link" -s -w -buildid= -importcfg "$links" -o program main.a
