# Compiles the packages of Go that Debian ships as sources. Words: the folder to fill, the go command. The file `wanted` names what was asked
# for; usr/share/gocode holds that and what it needs.
#
# The folder gets `imports`, which names what programs may import, `links` with all archives, both in the form that the compiler and the
# linker read, and the archives. They are compiled as prepare.sh compiles the standard library: the compiler takes no others beside it. Marks
# of the build, which hold its folder, are written over, so that the same sources give the same archives.
set -e
export CGO_ENABLED=0 GOFLAGS= GOWORK=off GO111MODULE=off GOPATH="$PWD/usr/share/gocode"
files=$1 go=$2
sed -n 's,^\./usr/share/gocode/src/\(.*\)/[^/]*\.go$,\1,p' wanted | sort -u | grep -Ev '(^|/)(_[^/]*|testdata|internal)(/|$)' > names
"$go" list -e -f '{{if not (or .Error .DepsErrors)}}{{if ne .Name "main"}}{{.ImportPath}}{{end}}{{end}}' $(cat names) > whole
[ -s whole ] || { "$go" list -deps $(cat names) > /dev/null; exit 1; }
"$go" list -export -deps "-gcflags=all=-dwarf=false -trimpath=$GOPATH/src=>" -gcflags=std=-dwarf=false \
    -f '{{if and .Export (not .Standard)}}{{.ImportPath}} {{.Export}}{{end}}' $(cat whole) > archives
while read -r name file; do
    mkdir -p "$files/archives/${name%/*}"
    LC_ALL=C sed -e '/^build id "/s/[^ "/]\{20\}/00000000000000000000/g' "$file" > "$files/archives/$name.a"
    echo "packagefile $name=packages/archives/$name.a"
done < archives > "$files/links"
grep -Ev '/(internal|vendor)(/|=)' "$files/links" > "$files/imports"
