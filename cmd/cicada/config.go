package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"cicada/cmd/cicada/internal/scenario"
)

// A configFile names a YAML file with values for flags that the command line
// leaves out: one "flag: value" a line, a list for a flag that may be repeated. One
// file can serve several commands: a key that is a flag of another command with
// --config is no mistake. Paths in it are relative to the working folder, as on the
// command line.
type configFile string

// Limits of a configuration file, and of what is told of one.
const (
	maxConfigFile   = 1 << 20
	maxConfigErrors = 20
	maxConfigReason = 200 // characters of each
)

// BeforeResolve is called by kong, between reading the command line and filling in
// what that leaves out.
func (configFile) BeforeResolve(app *kong.Kong, ctx *kong.Context, at *kong.Path) error {
	path := string(ctx.FlagValue(at.Flag).(configFile))
	settings, err := readConfig(path)
	if err != nil {
		return err
	}
	known := configurable(app.Model)
	mine := make(map[*kong.Flag]any)
	given := givenInstead(ctx)
	var wrong []error
	for _, s := range settings {
		flag := flagOf(ctx.Flags(), s.key)
		switch err = nil; {
		case !known[s.key]:
			err = fmt.Errorf("unknown key %.100q", s.key)
		case flag == nil || slices.Contains(given, flag.Name):
			continue // of another command, or said otherwise on the command line
		case mine[flag] != nil:
			err = fmt.Errorf("%s is set a second time", s.key)
		default:
			mine[flag] = s.value
			err = s.try(flag)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%s:%d: %.*s", path, s.line, maxConfigReason, err.Error()))
		}
	}
	if more := len(wrong) - maxConfigErrors; more > 0 {
		wrong = append(wrong[:maxConfigErrors], fmt.Errorf("and %d more", more))
	}
	ctx.AddResolver(kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		return mine[flag], nil
	}))
	return errors.Join(wrong...)
}

// instead are flags that leave no room for others: who gives one of them on the
// command line does not want the others from a file.
var instead = map[string][]string{"bind": {"interface", "port"}, "interface": {"bind"}, "port": {"bind"}}

// givenInstead returns the flags that the command line leaves no room for.
func givenInstead(ctx *kong.Context) (names []string) {
	for _, path := range ctx.Path {
		if path.Flag != nil {
			names = append(names, instead[path.Flag.Name]...)
		}
	}
	return names
}

// configurable returns the names that a file may have.
func configurable(app *kong.Application) map[string]bool {
	names := make(map[string]bool)
	for _, command := range app.Children {
		if flagOf(command.Flags, "config") == nil {
			continue
		}
		for _, flag := range command.Flags {
			names[flag.Name] = true
			for _, alias := range flag.Aliases {
				names[alias] = true
			}
		}
	}
	delete(names, "config")
	delete(names, "help")
	return names
}

// flagOf returns the flag of that name, or nil.
func flagOf(flags []*kong.Flag, name string) *kong.Flag {
	for _, flag := range flags {
		if flag.Name == name || slices.Contains(flag.Aliases, name) {
			return flag
		}
	}
	return nil
}

// A configLine is one key of a configuration file.
type configLine struct {
	key   string
	value any // a string, or []any of strings, as kong reads values
	line  int
}

// try says what is wrong with the value, for its flag.
func (l configLine) try(flag *kong.Flag) error {
	scan := kong.Scan().PushTyped(l.value, kong.FlagValueToken)
	if _, list := l.value.([]any); list && !flag.IsSlice() {
		return fmt.Errorf("%s: want one value, not a list", l.key)
	}
	scratch := reflect.New(flag.Target.Type()).Elem()
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, scratch); err != nil {
		text, _ := l.value.(string)
		return fmt.Errorf("%s: %w%s", l.key, err, scenario.CommaHint(text))
	}
	return nil
}

// readConfig reads a configuration file. It does not look at what the keys mean.
func readConfig(path string) ([]configLine, error) {
	top, err := configMapping(path)
	if err != nil || top == nil {
		return nil, err
	}
	return configLines(path, top)
}

// configMapping returns the keys and values of a file; nil where there are none.
func configMapping(path string) (*yaml.Node, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxConfigFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxConfigFile {
		return nil, fmt.Errorf("%s: more than %d bytes", path, maxConfigFile)
	}
	top, err := onlyDocument(text)
	switch {
	case errors.Is(err, errDocuments):
		return nil, fmt.Errorf("%s: %w", path, err)
	case err != nil:
		line, why := yamlMistake(err)
		if comma := scenario.StrayComma(string(text)); comma > 0 {
			line, why = comma, "a comma where YAML has none: a line holds one key: value, and more of them in braces, like {at: 10s, crash: 0.1}"
		}
		return nil, fmt.Errorf("%s:%d: %.*s", path, line, maxConfigReason, why)
	case top == nil:
		return nil, nil
	}
	if top.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: want lines of flag: value", path, top.Line)
	}
	return top, nil
}

// yamlMistake returns the line of a mistake, and what it is. The library leaves the
// first line out, and counts lines from 0 where it expected something else.
func yamlMistake(err error) (line int, why string) {
	why = strings.TrimPrefix(err.Error(), "yaml: ")
	rest, found := strings.CutPrefix(why, "line ")
	number, reason, _ := strings.Cut(rest, ": ")
	line, bad := strconv.Atoi(number)
	if !found || bad != nil {
		return 1, why
	}
	if strings.HasPrefix(reason, "did not find expected") {
		line++
	}
	return line, reason
}

// configLines returns keys with plain values.
func configLines(path string, top *yaml.Node) (lines []configLine, err error) {
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Style&yaml.TaggedStyle != 0 { // an alias is not what it is called
			return nil, fmt.Errorf("%s:%d: a key has to be a plain word", path, key.Line)
		}
		line := configLine{key: key.Value, line: key.Line}
		if line.value, err = plain(value); err != nil {
			return nil, fmt.Errorf("%s:%d: %.100s: %w", path, value.Line, key.Value, err)
		}
		lines = append(lines, line)
	}
	return lines, nil
}

var errDocuments = errors.New("want one document: nothing is read behind ---")

// onlyDocument returns what is in a file of one YAML document; nil if that is
// nothing but comments.
func onlyDocument(text []byte) (*yaml.Node, error) {
	in := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	if err := in.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := in.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, errDocuments
	}
	return first.Content[0], nil
}

// plain returns a scalar as a string, and a list of scalars as a list of those.
func plain(node *yaml.Node) (any, error) {
	switch {
	case node.Tag == "!!null":
		return nil, errors.New("a value is missing")
	case node.Kind == yaml.ScalarNode:
		return node.Value, nil
	case node.Kind != yaml.SequenceNode:
		return nil, errors.New("want a value, or a list of values")
	}
	list := make([]any, len(node.Content))
	for i, item := range node.Content {
		if item.Kind != yaml.ScalarNode {
			return nil, errors.New("want a list of values")
		}
		if item.Tag == "!!null" {
			return nil, errors.New("a value of the list is missing")
		}
		list[i] = item.Value
	}
	return list, nil
}
