// Package reference writes what shells and people look up about a command line:
// completion scripts and man pages, from the model that the parser itself uses.
// Model in, text out: it opens no file and asks no clock.
//
// It is no help printer, which kong has, and knows commands of one level only.
// Begin reading at New: the walk through the model that all outputs share.
package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// A Program is a command line, read from its model.
type Program struct {
	name     string
	commands []*command // the first is the program itself, without a name
}

type command struct {
	name      string
	help      string
	detail    string
	summary   string // of its usage, without the program's name
	options   []option
	arguments []argument
	files     []Entry
}

type option struct {
	long     string // with its dashes, as all names here
	short    string // or empty
	negation string // or empty
	help     string
	value    *value // nil for a switch
	repeated bool
}

// names returns all ways to write the option.
func (o option) names() []string {
	var names []string
	for _, name := range []string{o.short, o.long, o.negation} {
		if name != "" {
			names = append(names, name)
		}
	}
	return names
}

type argument struct {
	value
	help     string
	optional bool
	repeated bool // the last may be
}

// A value is what follows a flag, or stands alone as an argument.
type value struct {
	name  string // as help calls it
	kind  kind
	words []string // of which it is one, where the kind is oneOf
}

type kind int

const (
	anything kind = iota
	file
	folder
	oneOf
)

// An Entry is a line of a table in a man page.
type Entry struct{ Name, Text string }

// A Keeper is a command that says which files it keeps, for its man page.
type Keeper interface{ Files() []Entry }

// New reads a command line. What is hidden is left out.
func New(app *kong.Application) (*Program, error) {
	p := &Program{name: app.Name}
	nodes := []*kong.Node{app.Node}
	var names []string
	for _, n := range app.Children {
		if n.Type != kong.CommandNode || len(n.Children) > 0 {
			return nil, fmt.Errorf("reference: %s has commands of its own", n.Name)
		}
		if !n.Hidden {
			nodes, names = append(nodes, n), append(names, n.Name)
		}
	}
	for _, n := range nodes {
		p.commands = append(p.commands, read(n, names))
	}
	root := p.commands[0]
	root.name = ""
	root.arguments = []argument{{value: value{"command", oneOf, names}}}
	return p, nil
}

// read reads one command; names are those of all commands.
func read(n *kong.Node, names []string) *command {
	c := &command{name: n.Name, help: n.Help, detail: n.Detail, summary: strings.TrimSpace(n.Summary())}
	for _, level := range n.AllFlags(true) {
		for _, f := range level {
			o := option{long: "--" + f.Name, help: f.Help, repeated: f.IsCumulative() || f.IsCounter()}
			if f.Short != 0 {
				o.short = "-" + string(f.Short)
			}
			switch {
			case f.Tag.Negatable == "_": // what kong makes of the tag without a name
				o.negation = "--no-" + f.Name
			case f.Tag.Negatable != "":
				o.negation = "--" + f.Tag.Negatable
			case !f.IsBool() && !f.IsCounter():
				v := readValue(f.Value, f.FormatPlaceHolder(), f.PlaceHolder, names)
				o.value = &v
			}
			c.options = append(c.options, o)
		}
	}
	for _, a := range n.Positional {
		c.arguments = append(c.arguments, argument{
			value: readValue(a, a.Name, a.Tag.PlaceHolder, names),
			help:  a.Help, optional: !a.Required, repeated: a.IsCumulative(),
		})
	}
	if k, ok := n.Target.Addr().Interface().(Keeper); ok {
		c.files = k.Files()
	}
	return c
}

// readValue tells from a value's limits, or else from its placeholder, what it can be.
func readValue(v *kong.Value, name, placeholder string, names []string) value {
	switch {
	case v.Enum != "":
		return value{name, oneOf, v.EnumSlice()}
	case placeholder == "COMMAND":
		return value{name, oneOf, names}
	case placeholder == "FILE", strings.HasPrefix(placeholder, "FILE."), placeholder == "SCRIPT":
		return value{name: name, kind: file}
	case placeholder == "DIR":
		return value{name: name, kind: folder}
	}
	return value{name: name}
}

// Completion returns the script that completes the program's command lines in a
// shell: bash, zsh or fish. Nothing in it calls the program.
func (p *Program) Completion(shell string) (string, error) {
	switch shell {
	case "bash":
		return p.bash(), nil
	case "zsh":
		return p.zsh(), nil
	case "fish":
		return p.fish(), nil
	}
	return "", fmt.Errorf("reference: no completion for the shell %q", shell)
}

// function returns what the script's functions are called, or begin with.
func (p *Program) function() string { return "_" + strings.ReplaceAll(p.name, "-", "_") }

// script is a text that grows by lines.
type script struct{ strings.Builder }

func (s *script) line(format string, arguments ...any) {
	fmt.Fprintf(s, format+"\n", arguments...)
}
