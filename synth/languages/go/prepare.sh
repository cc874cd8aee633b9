# Prepares what every Go build needs: the archives of the standard library without cgo, and of the driver. Words: the go command.
#
# They are compiled without debug information, which costs 15 s once and saves a quarter of each link, and copied from go's cache to std/.
# `imports` is what programs may import, `driven` the same and the driver, `links` names all archives. build.sh gives this folder the name
# `prepared`.
set -e
export CGO_ENABLED=0 GOFLAGS= GOWORK=off
go=$1
"$go" list -export -gcflags=all=-dwarf=false -f '{{if .Export}}{{.ImportPath}} {{.Export}}{{end}}' std > archives
while read -r name file; do
    mkdir -p "std/${name%/*}"
    cp "$file" "std/$name.a"
    echo "packagefile $name=prepared/std/$name.a"
done < archives > links
grep -Ev '(^packagefile |/)(internal|vendor)(/|=)' links > imports
rm archives
ln -s . prepared
"$go" tool compile -p codemill -complete -pack -dwarf=false -importcfg imports -o codemill.a driver.go
rm prepared
echo "packagefile codemill=prepared/codemill.a" >> links
{ cat imports; tail -n 1 links; } > driven
