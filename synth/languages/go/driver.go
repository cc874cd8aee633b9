package codemill

// The Go driver: calls one function of a program on each input and writes the results to a private descriptor.
//
// It is a package of its own, compiled once. Lines in and out are described in docs/architecture/execution.md. Arguments are made for
// the types that the function declares, by reflection: a list fits a slice or an array, a tuple a struct or an []any; several results
// are a tuple, and an error beside them is an exception.

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"reflect"
	"strconv"
	"strings"
)

type codemillKind struct {
	tag   byte
	inner []codemillKind
}

type codemillUnreadable string

var codemillAny = codemillKind{tag: '?'}

func (kind codemillKind) at(index int) codemillKind {
	if kind.tag != 't' {
		index = 0
	}
	if index < len(kind.inner) {
		return kind.inner[index]
	}
	return codemillAny
}

// Types are prefix tokens: `l t2 i s` for list[tuple[int, str]].
func codemillReadKind(tokens *[]string) codemillKind {
	token := (*tokens)[0]
	*tokens = (*tokens)[1:]
	kind, count := codemillKind{tag: token[0]}, 0
	switch token[0] {
	case 't':
		count, _ = strconv.Atoi(token[1:])
	case 'm':
		count = 2
	case 'l':
		count = 1
	}
	for ; count > 0; count-- {
		kind.inner = append(kind.inner, codemillReadKind(tokens))
	}
	return kind
}

// --- values in: by the type that the parameter declares ---

type codemillReader struct{ tokens []string }

func (in *codemillReader) next() (byte, string) {
	token := in.tokens[0]
	in.tokens = in.tokens[1:]
	return token[0], token[1:]
}

func codemillMisfit(tag byte, wanted reflect.Type) {
	panic(fmt.Sprintf("codemill: the input has '%c' where the parameter is %v", tag, wanted))
}

func codemillFloat(text string) float64 {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(value, 0) {
		panic(err)
	}
	return value
}

func (in *codemillReader) free() any {
	switch in.tokens[0][0] {
	case 'i':
		return int(in.read(reflect.TypeOf(int(0))).Int())
	case 'f':
		return in.read(reflect.TypeOf(0.0)).Float()
	case 's':
		return in.read(reflect.TypeOf("")).String()
	case 'b':
		return in.read(reflect.TypeOf(true)).Bool()
	case 'm':
		return in.read(reflect.TypeOf(map[any]any{})).Interface()
	case 'n':
		in.next()
		return nil
	}
	return in.read(reflect.TypeOf([]any{})).Interface()
}

func (in *codemillReader) read(wanted reflect.Type) reflect.Value {
	value := reflect.New(wanted).Elem()
	if wanted.Kind() == reflect.Interface {
		if free := in.free(); free != nil {
			value.Set(reflect.ValueOf(free))
		}
		return value
	}
	if wanted == reflect.TypeOf(&big.Int{}) {
		_, text := in.next()
		whole, _ := new(big.Int).SetString(text, 10)
		return reflect.ValueOf(whole)
	}
	if wanted.Kind() == reflect.Pointer && in.tokens[0][0] != 'n' {
		value.Set(reflect.New(wanted.Elem()))
		value.Elem().Set(in.read(wanted.Elem()))
		return value
	}
	tag, rest := in.next()
	switch kind := wanted.Kind(); {
	case tag == 'n':
	case tag == 'i' && value.CanInt():
		whole, err := strconv.ParseInt(rest, 10, 64)
		if err != nil || value.OverflowInt(whole) {
			panic("codemill: the integer " + rest + " does not fit the parameter")
		}
		value.SetInt(whole)
	case tag == 'i' && value.CanUint():
		whole, err := strconv.ParseUint(rest, 10, 64)
		if err != nil || value.OverflowUint(whole) {
			panic("codemill: the integer " + rest + " does not fit the parameter")
		}
		value.SetUint(whole)
	case (tag == 'f' || tag == 'i') && value.CanFloat():
		value.SetFloat(codemillFloat(rest))
	case tag == 'b' && kind == reflect.Bool:
		value.SetBool(rest == "1")
	case tag == 's' && kind == reflect.String:
		text, _ := hex.DecodeString(rest)
		value.SetString(string(text))
	case tag == 's' && (kind == reflect.Uint8 || kind == reflect.Int32):
		text, _ := hex.DecodeString(rest)
		value.Set(codemillSymbol(string(text), wanted))
	case tag == 'l' || tag == 't':
		in.readItems(value, tag, rest)
	case tag == 'm' && kind == reflect.Map:
		value.Set(reflect.MakeMap(wanted))
		for count, _ := strconv.Atoi(rest); count > 0; count-- {
			key := in.read(wanted.Key())
			value.SetMapIndex(key, in.read(wanted.Elem()))
		}
	default:
		codemillMisfit(tag, wanted)
	}
	return value
}

// A byte or a rune, where the function takes texts of one symbol as these.
func codemillSymbol(text string, wanted reflect.Type) reflect.Value {
	symbols := []rune(text)
	if len(symbols) != 1 || (wanted.Kind() == reflect.Uint8 && len(text) != 1) {
		panic("codemill: the string does not fit the parameter, which is " + wanted.String())
	}
	return reflect.ValueOf(symbols[0]).Convert(wanted)
}

func (in *codemillReader) readItems(value reflect.Value, tag byte, rest string) {
	count, _ := strconv.Atoi(rest)
	switch value.Kind() {
	case reflect.Slice:
		value.Set(reflect.MakeSlice(value.Type(), count, count))
	case reflect.Array:
		if value.Len() != count {
			codemillMisfit(tag, value.Type())
		}
	case reflect.Struct:
		for i := 0; i < count; i++ {
			value.Field(i).Set(in.read(value.Field(i).Type()))
		}
		return
	default:
		codemillMisfit(tag, value.Type())
	}
	for i := 0; i < count; i++ {
		value.Index(i).Set(in.read(value.Type().Elem()))
	}
}

// --- values out: by their own type; a slice may be a tuple if the signature says so ---

func codemillWriteFloat(value float64) string {
	switch {
	case math.IsNaN(value):
		return "fnan"
	case math.IsInf(value, 1):
		return "finf"
	case math.IsInf(value, -1):
		return "f-inf"
	}
	return "f" + strconv.FormatFloat(value, 'g', -1, 64)
}

func codemillWrite(value reflect.Value, kind codemillKind, out *[]string) {
	if !value.IsValid() {
		*out = append(*out, "n")
		return
	}
	if value.CanInterface() {
		if whole, is := value.Interface().(*big.Int); is && whole != nil {
			*out = append(*out, "i"+whole.String())
			return
		}
	}
	switch value.Kind() {
	case reflect.Uint8, reflect.Int32:
		if kind.tag != 's' {
			codemillWriteWhole(value, out)
			return
		}
		symbol := string(rune(value.Convert(reflect.TypeOf(int32(0))).Int()))
		*out = append(*out, "s"+hex.EncodeToString([]byte(symbol)))
	case reflect.Interface, reflect.Pointer:
		codemillWrite(value.Elem(), kind, out)
	case reflect.Bool:
		*out = append(*out, map[bool]string{true: "b1", false: "b0"}[value.Bool()])
	case reflect.String:
		*out = append(*out, "s"+hex.EncodeToString([]byte(value.String())))
	case reflect.Float32, reflect.Float64:
		*out = append(*out, codemillWriteFloat(value.Float()))
	case reflect.Slice, reflect.Array:
		tag := "l"
		if kind.tag == 't' {
			tag = "t"
		}
		*out = append(*out, tag+strconv.Itoa(value.Len()))
		for i := 0; i < value.Len(); i++ {
			codemillWrite(value.Index(i), kind.at(i), out)
		}
	case reflect.Struct:
		*out = append(*out, "t"+strconv.Itoa(value.NumField()))
		for i := 0; i < value.NumField(); i++ {
			codemillWrite(value.Field(i), kind.at(i), out)
		}
	case reflect.Map:
		codemillWriteMap(value, kind, out)
	default:
		codemillWriteWhole(value, out)
	}
}

func codemillWriteWhole(value reflect.Value, out *[]string) {
	switch {
	case value.CanInt():
		*out = append(*out, "i"+strconv.FormatInt(value.Int(), 10))
	case value.CanUint():
		*out = append(*out, "i"+strconv.FormatUint(value.Uint(), 10))
	default:
		panic(codemillUnreadable("a value of type " + value.Type().String() + " is not language-neutral"))
	}
}

func codemillWriteMap(value reflect.Value, kind codemillKind, out *[]string) {
	inner := [2]codemillKind{codemillAny, codemillAny}
	if kind.tag == 'm' {
		inner = [2]codemillKind{kind.inner[0], kind.inner[1]}
	}
	*out = append(*out, "m"+strconv.Itoa(value.Len()))
	for entries := value.MapRange(); entries.Next(); {
		codemillWrite(entries.Key(), inner[0], out)
		codemillWrite(entries.Value(), inner[1], out)
	}
}

// --- the run ---

func codemillHex(problem any) string {
	text := fmt.Sprint(problem)
	if len(text) > 300 {
		text = text[:300]
	}
	return hex.EncodeToString([]byte(text))
}

func codemillCall(target reflect.Value, line string) []reflect.Value {
	arguments := []reflect.Value{}
	parts := strings.Split(line, "\t")
	for i := 0; i < target.Type().NumIn(); i++ {
		in := codemillReader{strings.Split(parts[i], " ")}
		arguments = append(arguments, in.read(target.Type().In(i)))
	}
	if target.Type().IsVariadic() {
		return target.CallSlice(arguments)
	}
	return target.Call(arguments)
}

// The results without a trailing error, which is an exception when it is set.
func codemillResults(results []reflect.Value) []reflect.Value {
	last := len(results) - 1
	if last < 1 || results[last].Type() != reflect.TypeOf((*error)(nil)).Elem() {
		return results
	}
	if !results[last].IsNil() {
		panic(results[last].Interface())
	}
	return results[:last]
}

func codemillEncode(results []reflect.Value, kind codemillKind) (text string) {
	defer func() {
		if problem := recover(); problem != nil {
			text = "unreadable " + codemillHex(problem)
		}
	}()
	out := []string{}
	switch len(results) {
	case 0:
		out = append(out, "n")
	case 1:
		codemillWrite(results[0], kind, &out)
	default:
		out = append(out, "t"+strconv.Itoa(len(results)))
		for i, result := range results {
			codemillWrite(result, kind.at(i), &out)
		}
	}
	return "returned " + strings.Join(out, " ")
}

func codemillResult(target reflect.Value, line string, kind codemillKind) (text string) {
	defer func() {
		if problem := recover(); problem != nil {
			text = "raised " + codemillHex(problem)
		}
	}()
	return codemillEncode(codemillResults(codemillCall(target, line)), kind)
}

// Drive calls the function on each input, and ends the process.
func Drive(function any) {
	request, err := io.ReadAll(bufio.NewReaderSize(os.Stdin, 1<<16))
	if err != nil {
		panic(err)
	}
	lines := strings.Split(string(request), "\n")
	tokens := strings.Split(lines[3], " ")
	kind := codemillReadKind(&tokens)
	count, _ := strconv.Atoi(lines[4])
	channel := os.NewFile(3, "channel")
	target := reflect.ValueOf(function)
	for i := 0; i < count; i++ {
		fmt.Fprintf(channel, "%s %d %s\n", lines[0], i, codemillResult(target, lines[5+i], kind))
	}
	fmt.Fprintf(channel, "%s finished\n", lines[0])
	os.Exit(0)
}
